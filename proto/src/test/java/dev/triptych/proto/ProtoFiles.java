package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Message;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The files of a descriptor set that we wrote, and what they declare. */
record ProtoFiles(List<FileDescriptorProto> files) {

  ProtoFiles {
    files = List.copyOf(files);
  }

  static ProtoFiles of(FileDescriptorProto... files) {
    return new ProtoFiles(List.of(files));
  }

  /** What the build has just compiled, without the files that Google wrote. */
  static ProtoFiles compiled() {
    Path set = ModulePaths.directory().resolve("target/protos.binpb");
    try (InputStream in = Files.newInputStream(set)) {
      return new ProtoFiles(
          FileDescriptorSet.parseFrom(in).getFileList().stream()
              .filter(file -> !file.getPackage().startsWith("google."))
              .toList());
    } catch (IOException e) {
      throw new IllegalStateException("the build writes " + set + ": run Maven", e);
    }
  }

  /** The files of the public API: all but those that describe Triton's protocol. */
  ProtoFiles api() {
    return inPackages("triptych.");
  }

  /** The files that describe Triton's protocol. */
  ProtoFiles triton() {
    return inPackages("inference");
  }

  Stream<ProtoElement<?>> elements() {
    return files.stream().flatMap(file -> ProtoWalk.of(file).elements());
  }

  /** Elements of one kind. */
  <T extends Message> Stream<ProtoElement<T>> elements(Class<T> kind) {
    return elements()
        .filter(element -> kind.isInstance(element.declaration()))
        .map(element ->
            new ProtoElement<>(
                element.name(), element.comment(), kind.cast(element.declaration())));
  }

  private ProtoFiles inPackages(String prefix) {
    return new ProtoFiles(
        files.stream().filter(file -> file.getPackage().startsWith(prefix)).toList());
  }
}
