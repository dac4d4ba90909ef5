package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Walks over all that one file declares, nested declarations included. What the compiler made up
 * (entries of maps, oneofs of {@code optional} fields) is left out: nobody can comment it.
 */
final class ProtoWalk {
  private final FileDescriptorProto file;
  private final Map<List<Integer>, String> comments;
  private final List<ProtoElement<?>> elements = new ArrayList<>();

  private ProtoWalk(FileDescriptorProto file) {
    this.file = file;
    this.comments =
        file.getSourceCodeInfo().getLocationList().stream()
            .filter(Location::hasLeadingComments)
            .collect(
                Collectors.toMap(
                    Location::getPathList, location -> location.getLeadingComments().strip()));
  }

  static ProtoWalk of(FileDescriptorProto file) {
    ProtoWalk walk = new ProtoWalk(file);
    walk.file();
    return walk;
  }

  Stream<ProtoElement<?>> elements() {
    return elements.stream();
  }

  private void file() {
    for (int i = 0; i < file.getMessageTypeCount(); i++) {
      message(
          file.getPackage(),
          List.of(FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, i),
          file.getMessageType(i));
    }
    for (int i = 0; i < file.getEnumTypeCount(); i++) {
      enumeration(
          file.getPackage(),
          List.of(FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, i),
          file.getEnumType(i));
    }
    for (int i = 0; i < file.getServiceCount(); i++) {
      service(List.of(FileDescriptorProto.SERVICE_FIELD_NUMBER, i), file.getService(i));
    }
  }

  private void message(String scope, List<Integer> path, DescriptorProto message) {
    if (message.getOptions().getMapEntry()) {
      return;
    }
    String name = scope + "." + message.getName();
    add(name, path, message);
    for (int i = 0; i < message.getFieldCount(); i++) {
      FieldDescriptorProto field = message.getField(i);
      add(name + "." + field.getName(), child(path, DescriptorProto.FIELD_FIELD_NUMBER, i), field);
    }
    oneofs(name, path, message);
    for (int i = 0; i < message.getNestedTypeCount(); i++) {
      message(
          name, child(path, DescriptorProto.NESTED_TYPE_FIELD_NUMBER, i), message.getNestedType(i));
    }
    for (int i = 0; i < message.getEnumTypeCount(); i++) {
      enumeration(
          name, child(path, DescriptorProto.ENUM_TYPE_FIELD_NUMBER, i), message.getEnumType(i));
    }
  }

  private void oneofs(String scope, List<Integer> path, DescriptorProto message) {
    for (int i = 0; i < message.getOneofDeclCount(); i++) {
      int index = i;
      boolean synthetic =
          message.getFieldList().stream()
              .anyMatch(field ->
                  field.getProto3Optional()
                      && field.hasOneofIndex()
                      && field.getOneofIndex() == index);
      if (!synthetic) {
        add(
            scope + "." + message.getOneofDecl(i).getName(),
            child(path, DescriptorProto.ONEOF_DECL_FIELD_NUMBER, i),
            message.getOneofDecl(i));
      }
    }
  }

  private void enumeration(String scope, List<Integer> path, EnumDescriptorProto enumeration) {
    String name = scope + "." + enumeration.getName();
    add(name, path, enumeration);
    for (int i = 0; i < enumeration.getValueCount(); i++) {
      add(
          name + "." + enumeration.getValue(i).getName(),
          child(path, EnumDescriptorProto.VALUE_FIELD_NUMBER, i),
          enumeration.getValue(i));
    }
  }

  private void service(List<Integer> path, ServiceDescriptorProto service) {
    String name = file.getPackage() + "." + service.getName();
    add(name, path, service);
    for (int i = 0; i < service.getMethodCount(); i++) {
      add(
          name + "." + service.getMethod(i).getName(),
          child(path, ServiceDescriptorProto.METHOD_FIELD_NUMBER, i),
          service.getMethod(i));
    }
  }

  private void add(String name, List<Integer> path, Message declaration) {
    elements.add(new ProtoElement<>(name, comments.getOrDefault(path, ""), declaration));
  }

  private static List<Integer> child(List<Integer> path, int field, int index) {
    return Stream.concat(path.stream(), Stream.of(field, index)).toList();
  }
}
