package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A named tensor with its raw contents as on Triton's wire. The shape is checked against the bytes
 * once, here; readers then trust it. Immutable; the bytes are shared, never copied.
 *
 * @param name name of the tensor
 * @param type element type
 * @param shape dimensions, the batch dimension included, none negative; empty for a scalar
 * @param data raw contents; for {@link TensorType#BYTES} each element is a 4-byte little-endian
 *     length and raw bytes
 */
public record Tensor(String name, TensorType type, List<Long> shape, ByteString data) {

  private static final List<Long> ONE = List.of(1L);

  public Tensor {
    shape = List.copyOf(shape);
    long elements = 1;
    for (long dimension : shape) {
      if (dimension < 0 || (dimension > 0 && elements > Integer.MAX_VALUE / dimension)) {
        throw violated(name, "has the impossible shape " + shape);
      }
      elements *= dimension;
    }
    if (type == TensorType.BYTES) {
      checkElements(name, elements, data);
    } else if (elements * type.elementSize() != data.size()) {
      throw violated(
          name,
          "of type %s and shape %s needs %d bytes but has %d"
              .formatted(type, shape, elements * type.elementSize(), data.size()));
    }
  }

  /** A BYTES tensor of shape [1]. */
  public static Tensor bytes(String name, ByteString element) {
    return new Tensor(name, TensorType.BYTES, ONE, withLength(element));
  }

  /** A BYTES tensor of shape [elements]. */
  public static Tensor bytes(String name, List<ByteString> elements) {
    ByteString data = ByteString.EMPTY;
    for (ByteString element : elements) {
      data = data.concat(withLength(element));
    }
    return new Tensor(name, TensorType.BYTES, List.of((long) elements.size()), data);
  }

  /** A BYTES tensor of shape [1] that holds the text in UTF-8. */
  public static Tensor utf8(String name, String text) {
    return bytes(name, ByteString.copyFromUtf8(text));
  }

  /** A BOOL tensor of shape [1]. */
  public static Tensor bool(String name, boolean value) {
    return new Tensor(
        name, TensorType.BOOL, ONE, ByteString.copyFrom(new byte[] {(byte) (value ? 1 : 0)}));
  }

  /** An INT32 tensor of shape [values]. */
  public static Tensor int32(String name, int... values) {
    ByteBuffer buffer = littleEndian(4 * values.length);
    for (int value : values) {
      buffer.putInt(value);
    }
    return new Tensor(name, TensorType.INT32, List.of((long) values.length), wrap(buffer));
  }

  /** A UINT64 tensor of shape [1]; the value is read as unsigned. */
  public static Tensor uint64(String name, long value) {
    return new Tensor(name, TensorType.UINT64, ONE, wrap(littleEndian(8).putLong(value)));
  }

  /** An FP32 tensor of shape [values]. */
  public static Tensor fp32(String name, float... values) {
    ByteBuffer buffer = littleEndian(4 * values.length);
    for (float value : values) {
      buffer.putFloat(value);
    }
    return new Tensor(name, TensorType.FP32, List.of((long) values.length), wrap(buffer));
  }

  /** The same elements in another shape of the same size. */
  public Tensor reshaped(Long... dimensions) {
    return new Tensor(name, type, List.of(dimensions), data);
  }

  /** Number of elements. */
  public int elementCount() {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    return (int) elements;
  }

  /** The elements of a BYTES tensor, sharing its memory. CONTRACT_VIOLATED for another type. */
  public List<ByteString> bytesElements() {
    expect(TensorType.BYTES);
    List<ByteString> elements = new ArrayList<>(elementCount());
    for (int offset = 0; offset < data.size(); ) {
      int end = offset + 4 + lengthAt(data, offset);
      elements.add(data.substring(offset + 4, end));
      offset = end;
    }
    return elements;
  }

  /** The first element of a BYTES tensor. CONTRACT_VIOLATED when there is none. */
  public ByteString firstBytes() {
    expect(TensorType.BYTES);
    if (data.isEmpty()) {
      throw violated(name, "is empty");
    }
    return data.substring(4, 4 + lengthAt(data, 0));
  }

  /** The elements of an FP32 tensor. CONTRACT_VIOLATED for another type. */
  public float[] floats() {
    expect(TensorType.FP32);
    float[] values = new float[elementCount()];
    data.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /** The element at an index of a tensor of whole numbers; UINT64 is read as signed. */
  public long integer(int index) {
    if (index < 0 || index >= elementCount()) {
      throw violated(name, "has no element " + index);
    }
    int at = index * type.elementSize();
    return switch (type) {
      case UINT8, BOOL -> data.byteAt(at) & 0xff;
      case INT8 -> data.byteAt(at);
      case UINT32 -> lengthAt(data, at) & 0xffff_ffffL;
      case INT32 -> lengthAt(data, at);
      case INT64, UINT64 ->
          (lengthAt(data, at) & 0xffff_ffffL) | ((long) lengthAt(data, at + 4) << 32);
      case UINT16 -> (data.byteAt(at) & 0xff) | (data.byteAt(at + 1) & 0xff) << 8;
      case INT16 -> (short) ((data.byteAt(at) & 0xff) | (data.byteAt(at + 1) & 0xff) << 8);
      case FP16, FP32, FP64, BF16, BYTES ->
          throw violated(name, "holds " + type + " where whole numbers were expected");
    };
  }

  private void expect(TensorType expected) {
    if (type != expected) {
      throw violated(name, "is of type " + type + " where " + expected + " was expected");
    }
  }

  private static void checkElements(String name, long elements, ByteString data) {
    long offset = 0;
    for (long i = 0; i < elements; i++) {
      if (offset + 4 > data.size()) {
        throw violated(name, "ends before its element " + i + " of " + elements);
      }
      int length = lengthAt(data, (int) offset);
      offset += 4L + length;
      if (length < 0 || offset > data.size()) {
        throw violated(name, "is shorter than the length of its element " + i);
      }
    }
    if (offset != data.size()) {
      throw violated(name, "has " + (data.size() - offset) + " bytes after its last element");
    }
  }

  private static int lengthAt(ByteString data, int offset) {
    return (data.byteAt(offset) & 0xff)
        | (data.byteAt(offset + 1) & 0xff) << 8
        | (data.byteAt(offset + 2) & 0xff) << 16
        | data.byteAt(offset + 3) << 24;
  }

  private static ByteString withLength(ByteString element) {
    return wrap(littleEndian(4).putInt(element.size())).concat(element);
  }

  private static ByteBuffer littleEndian(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteString wrap(ByteBuffer full) {
    return UnsafeByteOperations.unsafeWrap(full.flip());
  }

  private static TritonException violated(String name, String what) {
    return new TritonException(CONTRACT_VIOLATED, "Tensor " + name + " " + what);
  }
}
