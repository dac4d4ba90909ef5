package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import java.util.List;
import java.util.Locale;

/** Value 0 of an enum is {@code <NAME>_UNSPECIFIED}, and there is one. */
record EnumZeroIsUnspecified() implements ProtoRule {

  @Override
  public List<String> violations(ProtoFiles protos) {
    return protos
        .elements(EnumDescriptorProto.class)
        .filter(element -> !zeros(element).equals(List.of(expected(element))))
        .map(element ->
            "value 0 of enum %s must be %s, is %s"
                .formatted(element.name(), expected(element), zeros(element)))
        .toList();
  }

  private static List<String> zeros(ProtoElement<EnumDescriptorProto> element) {
    return element.declaration().getValueList().stream()
        .filter(value -> value.getNumber() == 0)
        .map(EnumValueDescriptorProto::getName)
        .toList();
  }

  private static String expected(ProtoElement<EnumDescriptorProto> element) {
    String name = element.declaration().getName();
    return name.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toUpperCase(Locale.ROOT) + "_UNSPECIFIED";
  }
}
