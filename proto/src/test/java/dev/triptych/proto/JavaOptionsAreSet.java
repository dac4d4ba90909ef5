package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import java.util.List;

/** Java classes lie in the package of the proto below {@code dev}, each in its own file. */
record JavaOptionsAreSet() implements ProtoRule {

  @Override
  public List<String> violations(ProtoFiles protos) {
    return protos.files().stream()
        .filter(file -> !kept(file))
        .map(file ->
            "%s must set java_multiple_files = true and java_package = \"%s\""
                .formatted(file.getName(), javaPackage(file)))
        .toList();
  }

  private static boolean kept(FileDescriptorProto file) {
    return file.getOptions().getJavaMultipleFiles()
        && file.getOptions().getJavaPackage().equals(javaPackage(file));
  }

  private static String javaPackage(FileDescriptorProto file) {
    return file.getPackage().startsWith("triptych.")
        ? "dev." + file.getPackage()
        : "dev.triptych." + file.getPackage();
  }
}
