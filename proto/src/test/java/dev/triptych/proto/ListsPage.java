package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Every {@code ListXxx} pages from its first day (AIP-158). */
record ListsPage() implements ProtoRule {
  private static final DescriptorProto NOT_OURS = DescriptorProto.getDefaultInstance();

  @Override
  public List<String> violations(ProtoFiles protos) {
    Map<String, DescriptorProto> messages =
        protos
            .elements(DescriptorProto.class)
            .collect(Collectors.toMap(e -> "." + e.name(), ProtoElement::declaration));
    return protos
        .elements(MethodDescriptorProto.class)
        .filter(rpc -> rpc.declaration().getName().startsWith("List"))
        .filter(rpc -> !pages(rpc.declaration(), messages))
        .map(rpc ->
            "rpc %s must take int32 page_size and string page_token, and return one repeated"
                    .formatted(rpc.name())
                + " message and string next_page_token")
        .toList();
  }

  private static boolean pages(MethodDescriptorProto rpc, Map<String, DescriptorProto> messages) {
    DescriptorProto request = messages.getOrDefault(rpc.getInputType(), NOT_OURS);
    DescriptorProto response = messages.getOrDefault(rpc.getOutputType(), NOT_OURS);
    return has(request, "page_size", FieldDescriptorProto.Type.TYPE_INT32)
        && has(request, "page_token", FieldDescriptorProto.Type.TYPE_STRING)
        && has(response, "next_page_token", FieldDescriptorProto.Type.TYPE_STRING)
        && repeatedMessages(response) == 1;
  }

  private static boolean has(DescriptorProto message, String name, FieldDescriptorProto.Type type) {
    return message.getFieldList().stream()
        .anyMatch(field ->
            field.getName().equals(name)
                && field.getType() == type
                && field.getLabel() != Label.LABEL_REPEATED);
  }

  private static long repeatedMessages(DescriptorProto message) {
    return message.getFieldList().stream()
        .filter(field -> field.getLabel() == Label.LABEL_REPEATED)
        .filter(field -> field.getType() == FieldDescriptorProto.Type.TYPE_MESSAGE)
        .count();
  }
}
