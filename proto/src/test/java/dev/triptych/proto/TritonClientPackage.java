package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Triton's protocol as NVIDIA's Python package {@code tritonclient} carries it: in each {@code
 * _pb2.py} file stands a serialized descriptor, as a bytes literal.
 *
 * @param directory where the files are
 */
record TritonClientPackage(Path directory) {
  private static final List<String> FILES = List.of("model_config_pb2.py", "service_pb2.py");
  private static final String CALL = "AddSerializedFile(";

  /** Finds the package in what {@code local/setup-triton.sh} has set up. */
  static Optional<TritonClientPackage> find() {
    return Stream.of(
            "triton-protocol", "triton-venv/lib/python3.11/site-packages/tritonclient/grpc")
        .map(state()::resolve)
        .filter(directory ->
            FILES.stream().allMatch(file -> Files.isRegularFile(directory.resolve(file))))
        .map(TritonClientPackage::new)
        .findFirst();
  }

  /** The state directory: {@code TRIPTYCH_STATE} as system property or variable, or .triptych. */
  static Path state() {
    return Optional.ofNullable(System.getProperty("TRIPTYCH_STATE"))
        .or(() -> Optional.ofNullable(System.getenv("TRIPTYCH_STATE")))
        .map(ModulePaths.repository()::resolve)
        .orElseGet(() -> ModulePaths.repository().resolve(".triptych"));
  }

  ProtoFiles protocol() {
    return new ProtoFiles(
        FILES.stream().map(directory::resolve).map(TritonClientPackage::parse).toList());
  }

  private static FileDescriptorProto parse(Path file) {
    try {
      String source = Files.readString(file);
      int call = source.indexOf(CALL);
      if (call < 0) {
        throw new IllegalStateException(file + " has no " + CALL);
      }
      return FileDescriptorProto.parseFrom(PythonBytes.parse(source, call + CALL.length()));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(file + " has no descriptor", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
