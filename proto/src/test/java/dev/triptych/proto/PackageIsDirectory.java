package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import java.util.List;
import java.util.regex.Pattern;

/** The package {@code triptych.<area>.v<n>} lies in the directory of the same name. */
record PackageIsDirectory() implements ProtoRule {
  private static final Pattern VERSIONED = Pattern.compile("triptych\\.[a-z]+\\.v[1-9][0-9]*");

  @Override
  public List<String> violations(ProtoFiles protos) {
    return protos.files().stream()
        .filter(file -> !kept(file))
        .map(PackageIsDirectory::violation)
        .toList();
  }

  private static boolean kept(FileDescriptorProto file) {
    return directory(file).equals(file.getPackage().replace('.', '/'))
        && (file.getPackage().equals("inference")
            || VERSIONED.matcher(file.getPackage()).matches());
  }

  private static String violation(FileDescriptorProto file) {
    return "%s has package %s: wanted triptych.<area>.v<n>, and the same as the directory"
        .formatted(file.getName(), file.getPackage());
  }

  private static String directory(FileDescriptorProto file) {
    return file.getName().substring(0, Math.max(0, file.getName().lastIndexOf('/')));
  }
}
