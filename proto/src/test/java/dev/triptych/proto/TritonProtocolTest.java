package dev.triptych.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Our part of Triton's protocol is the same as in NVIDIA's own client. */
class TritonProtocolTest {
  private static final ProtoFiles OURS = ProtoFiles.compiled().triton();

  @Test
  void ourPartIsTheSameInTritonsClient() {
    Optional<TritonClientPackage> client = TritonClientPackage.find();
    assumeTrue(
        client.isPresent(),
        () ->
            "no tritonclient below %s; run local/setup-triton.sh"
                .formatted(TritonClientPackage.state()));

    assertThat(ProtocolPart.differences(OURS, client.orElseThrow().protocol())).isEmpty();
  }

  @Test
  void comparesEveryElementOfOurPart() {
    assertThat(ProtocolPart.size(OURS)).isGreaterThan((int) named(OURS));
  }

  @Test
  void isPartOfItself() {
    assertThat(ProtocolPart.differences(OURS, OURS)).isEmpty();
  }

  @Test
  void mayLackWhatTheWholeHas() {
    ProtoFiles part = tampered(file -> file.clearService().clearEnumType().clearMessageType());

    assertThat(ProtocolPart.differences(part, protocol())).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void reportsWhatDiffers(String element, Consumer<FileDescriptorProto.Builder> tampering) {
    assertThat(ProtocolPart.differences(tampered(tampering), protocol()))
        .singleElement()
        .asString()
        .startsWith(element + ": ");
  }

  static Stream<Arguments> reportsWhatDiffers() {
    return Stream.of(
        differs("field p.M.a", file -> field(file).setNumber(9)),
        differs("field p.M.a", file -> field(file).setType(FieldDescriptorProto.Type.TYPE_INT32)),
        differs("field p.M.a", file -> field(file).setLabel(Label.LABEL_REPEATED)),
        differs("field p.M.a", file -> field(file).clearOneofIndex()),
        differs("field p.M.a", file -> field(file).setProto3Optional(true)),
        differs("field p.M.a", file -> field(file).setTypeName(".p.E")),
        differs("field p.M.a", file -> field(file).getOptionsBuilder().setPacked(false)),
        differs("field p.M.renamed", file -> field(file).setName("renamed")),
        differs(
            "field p.M.a",
            file -> file.getMessageTypeBuilder(0).getOneofDeclBuilder(0).setName("other")),
        differs(
            "message p.M",
            file -> file.getMessageTypeBuilder(0).getOptionsBuilder().setMapEntry(true)),
        differs(
            "message p.M.Extra",
            file -> file.getMessageTypeBuilder(0).addNestedTypeBuilder().setName("Extra")),
        differs(
            "enum p.M.Extra",
            file -> file.getMessageTypeBuilder(0).addEnumTypeBuilder().setName("Extra")),
        differs(
            "enum value p.E.ZERO",
            file -> file.getEnumTypeBuilder(0).getValueBuilder(0).setNumber(9)),
        differs("enum p.Extra", file -> file.addEnumTypeBuilder().setName("Extra")),
        differs("rpc p.S.Do", file -> rpc(file).setServerStreaming(false)),
        differs("rpc p.S.Do", file -> rpc(file).setClientStreaming(true)),
        differs("rpc p.S.Do", file -> rpc(file).setInputType(".p.Other")),
        differs("rpc p.S.Do", file -> rpc(file).setOutputType(".p.Other")),
        differs("rpc p.S.Renamed", file -> rpc(file).setName("Renamed")),
        differs("service p.Extra", file -> file.addServiceBuilder().setName("Extra")));
  }

  private static Arguments differs(String element, Consumer<FileDescriptorProto.Builder> how) {
    return Arguments.of(element, how);
  }

  private static FieldDescriptorProto.Builder field(FileDescriptorProto.Builder file) {
    return file.getMessageTypeBuilder(0).getFieldBuilder(0);
  }

  private static MethodDescriptorProto.Builder rpc(FileDescriptorProto.Builder file) {
    return file.getServiceBuilder(0).getMethodBuilder(0);
  }

  private static ProtoFiles protocol() {
    return tampered(_ -> {});
  }

  private static ProtoFiles tampered(Consumer<FileDescriptorProto.Builder> tampering) {
    FileDescriptorProto.Builder file = FileDescriptorProto.newBuilder().setPackage("p");
    DescriptorProto.Builder message = file.addMessageTypeBuilder().setName("M");
    message.addOneofDeclBuilder().setName("choice");
    message
        .addFieldBuilder()
        .setName("a")
        .setNumber(1)
        .setType(FieldDescriptorProto.Type.TYPE_INT64)
        .setLabel(Label.LABEL_OPTIONAL)
        .setOneofIndex(0);
    EnumDescriptorProto.Builder enumeration = file.addEnumTypeBuilder().setName("E");
    enumeration.addValueBuilder().setName("ZERO").setNumber(0);
    ServiceDescriptorProto.Builder service = file.addServiceBuilder().setName("S");
    service
        .addMethodBuilder()
        .setName("Do")
        .setInputType(".p.M")
        .setOutputType(".p.M")
        .setServerStreaming(true);
    tampering.accept(file);
    return ProtoFiles.of(file.build());
  }

  /** Elements of our part; a oneof has no line of its own but is in those of its fields. */
  private static long named(ProtoFiles protos) {
    return protos.elements().filter(element -> !element.kind().equals("oneof")).count();
  }
}
