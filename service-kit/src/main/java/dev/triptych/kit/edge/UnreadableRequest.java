package dev.triptych.kit.edge;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import dev.triptych.kit.failure.Failure;
import java.util.List;
import java.util.Map;

/**
 * Finds out why a request could not be read: which text field is not UTF-8, or that it is no
 * message of its type at all.
 */
final class UnreadableRequest {

  private static final int DEEPEST = 32;

  private UnreadableRequest() {}

  static Failure explain(Descriptor type, byte[] bytes) {
    try {
      String field = notUtf8(type, UnknownFieldSet.parseFrom(bytes), "", 0);
      return field.isEmpty()
          ? unknown()
          : new Failure.InvalidRequest(field, "must be valid UTF-8 (RFC 3629)");
    } catch (InvalidProtocolBufferException e) {
      return unknown();
    }
  }

  static Failure unknown() {
    return new Failure.InvalidRequest("request", "is not a message of the method's request type");
  }

  /** Path of the first text field whose bytes are not UTF-8; empty: none. */
  private static String notUtf8(Descriptor type, UnknownFieldSet fields, String path, int depth) {
    for (Map.Entry<Integer, UnknownFieldSet.Field> entry : fields.asMap().entrySet()) {
      FieldDescriptor field = type.findFieldByNumber(entry.getKey());
      if (field == null || depth > DEEPEST) {
        continue;
      }
      List<ByteString> values = entry.getValue().getLengthDelimitedList();
      for (int i = 0; i < values.size(); i++) {
        String at = path + field.getName() + (field.isRepeated() ? "[" + i + "]" : "");
        String found = notUtf8(field, values.get(i), at, depth);
        if (!found.isEmpty()) {
          return found;
        }
      }
    }
    return "";
  }

  private static String notUtf8(FieldDescriptor field, ByteString value, String at, int depth) {
    if (field.getType() == FieldDescriptor.Type.STRING) {
      return value.isValidUtf8() ? "" : at;
    }
    if (field.getType() != FieldDescriptor.Type.MESSAGE) {
      return "";
    }
    try {
      return notUtf8(field.getMessageType(), UnknownFieldSet.parseFrom(value), at + ".", depth + 1);
    } catch (InvalidProtocolBufferException e) {
      return "";
    }
  }
}
