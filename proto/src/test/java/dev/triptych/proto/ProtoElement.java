package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.OneofDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.Message;

/**
 * Something that a {@code .proto} file declares and a reader can look up.
 *
 * @param name full name, "triptych.text.v1.Model.State"
 * @param comment the comment right before it, or an empty string
 */
record ProtoElement<T extends Message>(String name, String comment, T declaration) {

  /** The word for its kind in a message to a person. */
  String kind() {
    return switch (declaration) {
      case DescriptorProto _ -> "message";
      case FieldDescriptorProto _ -> "field";
      case OneofDescriptorProto _ -> "oneof";
      case EnumDescriptorProto _ -> "enum";
      case EnumValueDescriptorProto _ -> "enum value";
      case ServiceDescriptorProto _ -> "service";
      case MethodDescriptorProto _ -> "rpc";
      default -> throw new IllegalStateException("not an element: " + name);
    };
  }
}
