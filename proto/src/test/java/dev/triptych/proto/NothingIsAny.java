package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import java.util.List;
import java.util.stream.Stream;

/** Both sides of every message are ours, so its type is always known: no {@code Any}. */
record NothingIsAny() implements ProtoRule {
  private static final String ANY = ".google.protobuf.Any";

  @Override
  public List<String> violations(ProtoFiles protos) {
    Stream<String> fields =
        protos
            .elements(FieldDescriptorProto.class)
            .filter(field -> field.declaration().getTypeName().equals(ANY))
            .map(ProtoElement::name);
    Stream<String> rpcs =
        protos
            .elements(MethodDescriptorProto.class)
            .filter(rpc ->
                rpc.declaration().getInputType().equals(ANY)
                    || rpc.declaration().getOutputType().equals(ANY))
            .map(ProtoElement::name);
    return Stream.concat(fields, rpcs).map(name -> name + " uses google.protobuf.Any").toList();
  }
}
