package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The messages of {@code Xxx} are {@code XxxRequest} and {@code XxxResponse}. {@code StreamXxx} may
 * take the request of {@code Xxx}; {@code GetXxx} and {@code CreateXxx} return the resource {@code
 * Xxx} itself (AIP-131, 133). This is the narrow form of what {@code buf.yaml} has to except for
 * whole files.
 */
record RpcsNameTheirMessages() implements ProtoRule {
  private static final Pattern RETURNS_RESOURCE = Pattern.compile("(Get|Create)(.+)");

  @Override
  public List<String> violations(ProtoFiles protos) {
    return protos
        .elements(MethodDescriptorProto.class)
        .filter(rpc -> !requestIsNamed(rpc.declaration()) || !responseIsNamed(rpc.declaration()))
        .map(rpc ->
            "rpc %s takes %s and returns %s: not named after it"
                .formatted(
                    rpc.name(),
                    simple(rpc.declaration().getInputType()),
                    simple(rpc.declaration().getOutputType())))
        .toList();
  }

  private static boolean requestIsNamed(MethodDescriptorProto rpc) {
    String request = simple(rpc.getInputType());
    return request.equals(rpc.getName() + "Request")
        || (rpc.getServerStreaming() && ("Stream" + request).equals(rpc.getName() + "Request"));
  }

  private static boolean responseIsNamed(MethodDescriptorProto rpc) {
    String response = simple(rpc.getOutputType());
    var resource = RETURNS_RESOURCE.matcher(rpc.getName());
    return resource.matches()
        ? response.equals(resource.group(2))
        : response.equals(rpc.getName() + "Response");
  }

  private static String simple(String type) {
    return type.substring(type.lastIndexOf('.') + 1);
  }
}
