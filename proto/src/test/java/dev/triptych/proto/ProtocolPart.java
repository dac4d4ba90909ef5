package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Says what of one protocol is not in another in the very same form. Everything that two peers have
 * to agree on becomes a line "what it is" → "its form"; a part has no line that the whole lacks.
 */
final class ProtocolPart {
  private final Map<String, String> forms = new TreeMap<>();

  private ProtocolPart(ProtoFiles protos) {
    protos.files().forEach(this::file);
  }

  /** One sentence for each difference; empty when {@code part} is a part of {@code whole}. */
  static List<String> differences(ProtoFiles part, ProtoFiles whole) {
    Map<String, String> theirs = new ProtocolPart(whole).forms;
    return new ProtocolPart(part)
        .forms.entrySet().stream()
            .filter(ours -> !ours.getValue().equals(theirs.get(ours.getKey())))
            .map(ours ->
                "%s: ours is %s, Triton's is %s"
                    .formatted(
                        ours.getKey(),
                        ours.getValue(),
                        theirs.getOrDefault(ours.getKey(), "missing")))
            .toList();
  }

  /** How many things a protocol fixes. */
  static int size(ProtoFiles protos) {
    return new ProtocolPart(protos).forms.size();
  }

  private void file(FileDescriptorProto file) {
    String scope = file.getPackage() + ".";
    file.getMessageTypeList().forEach(message -> message(scope, message));
    file.getEnumTypeList().forEach(enumeration -> enumeration(scope, enumeration));
    file.getServiceList().forEach(service -> service(scope, service));
  }

  private void message(String scope, DescriptorProto message) {
    String name = scope + message.getName();
    boolean entry = message.getOptions().getMapEntry();
    forms.put("message " + name, entry ? "map entry" : "message");
    String inner = name + ".";
    message.getFieldList().forEach(field -> field(inner, message, field));
    message.getNestedTypeList().forEach(nested -> message(inner, nested));
    message.getEnumTypeList().forEach(nested -> enumeration(inner, nested));
  }

  private void field(String scope, DescriptorProto message, FieldDescriptorProto field) {
    String oneof =
        field.hasOneofIndex() ? message.getOneofDecl(field.getOneofIndex()).getName() : "none";
    forms.put(
        "field " + scope + field.getName(),
        "number %d, %s %s%s, oneof %s, optional %s, packed %s"
            .formatted(
                field.getNumber(),
                field.getLabel(),
                field.getType(),
                field.getTypeName(),
                oneof,
                field.getProto3Optional(),
                field.getOptions().hasPacked() ? field.getOptions().getPacked() : "by default"));
  }

  private void enumeration(String scope, EnumDescriptorProto enumeration) {
    String name = scope + enumeration.getName();
    forms.put("enum " + name, "enum");
    for (EnumValueDescriptorProto value : enumeration.getValueList()) {
      forms.put("enum value " + name + "." + value.getName(), "number " + value.getNumber());
    }
  }

  private void service(String scope, ServiceDescriptorProto service) {
    String name = scope + service.getName();
    forms.put("service " + name, "service");
    for (MethodDescriptorProto rpc : service.getMethodList()) {
      forms.put(
          "rpc " + name + "." + rpc.getName(),
          "%s%s to %s%s"
              .formatted(
                  rpc.getClientStreaming() ? "stream " : "",
                  rpc.getInputType(),
                  rpc.getServerStreaming() ? "stream " : "",
                  rpc.getOutputType()));
    }
  }
}
