package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TensorTest {

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"BYTES"})
  void acceptsExactlyTheBytesOfItsShape(TensorType type) {
    int size = type.elementSize();

    assertThat(tensor(type, zeros(6 * size), 2, 3).elementCount()).isEqualTo(6);
    assertThat(tensor(type, zeros(size)).elementCount()).isEqualTo(1);
    assertThat(tensor(type, zeros(0), 0).elementCount()).isZero();
    assertThat(tensor(type, zeros(0), 3, 0, 5).elementCount()).isZero();
    violates(() -> tensor(type, zeros(6 * size - 1), 2, 3), "needs");
    violates(() -> tensor(type, zeros(6 * size + 1), 2, 3), "needs");
    violates(() -> tensor(type, zeros(0), 1), "needs");
    violates(() -> tensor(type, zeros(size), 0), "needs");
  }

  @ParameterizedTest
  @EnumSource(TensorType.class)
  void isNamedAsOnTheWire(TensorType type) {
    assertThat(TensorType.ofWire(type.name())).isEqualTo(type);
  }

  @Test
  void rejectsAnUnknownTypeOfTheWire() {
    violates(() -> TensorType.ofWire("FP8"), "FP8");
    violates(() -> TensorType.ofWire(""), "unknown type");
    violates(() -> TensorType.ofWire("bytes"), "bytes");
  }

  static Stream<List<Long>> impossibleShapes() {
    return Stream.of(
        List.of(-1L),
        List.of(2L, -3L),
        List.of(Long.MIN_VALUE),
        List.of(Long.MAX_VALUE),
        List.of(1L << 32, 1L << 32),
        List.of(1L << 31),
        List.of(65536L, 65536L),
        List.of(3L, Long.MAX_VALUE / 3));
  }

  @ParameterizedTest
  @MethodSource("impossibleShapes")
  void rejectsAnImpossibleShape(List<Long> shape) {
    for (TensorType type : TensorType.values()) {
      violates(() -> new Tensor("t", type, shape, ByteString.EMPTY), "impossible shape");
    }
  }

  @Test
  void rejectsAHugeShapeOfFewBytesWithoutGoingThroughIt() {
    violates(
        () ->
            new Tensor("t", TensorType.BYTES, List.of((long) Integer.MAX_VALUE), ByteString.EMPTY),
        "ends before its element 0");
    violates(
        () -> new Tensor("t", TensorType.FP64, List.of((long) Integer.MAX_VALUE), ByteString.EMPTY),
        "needs");
  }

  @Test
  void keepsAnEmptyString() {
    Tensor tensor = Tensor.bytes("t", ByteString.EMPTY);

    assertThat(tensor.data()).isEqualTo(bytes(0, 0, 0, 0));
    assertThat(tensor.firstBytes()).isEqualTo(ByteString.EMPTY);
    assertThat(tensor.bytesElements()).containsExactly(ByteString.EMPTY);
  }

  @Test
  void keepsEveryByteValue() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    ByteString element = ByteString.copyFrom(all);

    Tensor tensor = Tensor.bytes("t", List.of(element, ByteString.EMPTY, element));

    assertThat(tensor.bytesElements()).containsExactly(element, ByteString.EMPTY, element);
    assertThat(tensor.data().substring(0, 4)).isEqualTo(bytes(0, 1, 0, 0));
  }

  @Test
  void survivesARoundTripOfRandomElements() {
    Random random = new Random(7);
    for (int round = 0; round < 500; round++) {
      List<ByteString> elements = new ArrayList<>();
      for (int i = random.nextInt(20); i > 0; i--) {
        byte[] element = new byte[random.nextInt(4) == 0 ? 0 : random.nextInt(300)];
        random.nextBytes(element);
        elements.add(ByteString.copyFrom(element));
      }
      Tensor written = Tensor.bytes("t", elements);
      Tensor read =
          new Tensor(
              "t",
              TensorType.BYTES,
              written.shape(),
              ByteString.copyFrom(written.data().toByteArray()));
      assertThat(read.bytesElements()).isEqualTo(elements);
    }
  }

  @Test
  void rejectsBytesThatWereCutOffAnywhere() {
    ByteString whole =
        Tensor.bytes("t", List.of(bytes(1, 2, 3), ByteString.EMPTY, bytes(4))).data();

    for (int length = 0; length < whole.size(); length++) {
      ByteString cut = whole.substring(0, length);
      violates(() -> new Tensor("t", TensorType.BYTES, List.of(3L), cut), "Tensor t");
    }
  }

  @Test
  void rejectsBytesAfterTheLastElement() {
    ByteString data = Tensor.bytes("t", bytes(1)).data().concat(bytes(0));

    violates(() -> new Tensor("t", TensorType.BYTES, List.of(1L), data), "after its last element");
    violates(() -> new Tensor("t", TensorType.BYTES, List.of(0L), bytes(0, 0, 0, 0)), "after");
  }

  @Test
  void rejectsALengthThatIsNegativeOrBeyondAllBytes() {
    violates(
        () -> new Tensor("t", TensorType.BYTES, List.of(1L), bytes(0xff, 0xff, 0xff, 0xff)),
        "shorter than the length");
    violates(
        () -> new Tensor("t", TensorType.BYTES, List.of(1L), bytes(0xff, 0xff, 0xff, 0x7f)),
        "shorter than the length");
    violates(
        () -> new Tensor("t", TensorType.BYTES, List.of(2L), bytes(0, 0, 0, 0x80, 0, 0, 0, 0)),
        "shorter than the length");
  }

  @Test
  void neverFailsOtherwiseOnRandomBytes() {
    Random random = new Random(11);
    for (int round = 0; round < 20_000; round++) {
      byte[] data = new byte[random.nextInt(40)];
      random.nextBytes(data);
      for (int i = 0; i < data.length; i++) {
        data[i] = random.nextInt(3) == 0 ? data[i] : (byte) random.nextInt(3);
      }
      List<Long> shape = List.of((long) random.nextInt(5));
      try {
        Tensor tensor = new Tensor("t", TensorType.BYTES, shape, ByteString.copyFrom(data));
        assertThat(tensor.bytesElements()).hasSize(tensor.elementCount());
      } catch (TritonException violated) {
        assertThat(violated.kind()).isEqualTo(CONTRACT_VIOLATED);
      }
    }
  }

  @Test
  void holdsTextInUtf8() {
    assertThat(Tensor.utf8("t", "ä\0🦔").firstBytes().toStringUtf8()).isEqualTo("ä\0🦔");
  }

  @Test
  void holdsNumbersInLittleEndian() {
    assertThat(Tensor.int32("t", 1, -2).data()).isEqualTo(bytes(1, 0, 0, 0, 0xfe, 255, 255, 255));
    assertThat(Tensor.int32("t", 1, -2).shape()).containsExactly(2L);
    assertThat(Tensor.uint64("t", -1L).data())
        .isEqualTo(bytes(255, 255, 255, 255, 255, 255, 255, 255));
    assertThat(Tensor.bool("t", true).data()).isEqualTo(bytes(1));
    assertThat(Tensor.bool("t", false).data()).isEqualTo(bytes(0));
    assertThat(Tensor.fp32("t", 1.5f).data()).isEqualTo(bytes(0, 0, 0xc0, 0x3f));
    assertThat(Tensor.fp32("t").elementCount()).isZero();
  }

  @Test
  void readsFloats() {
    float[] values = {0f, -0f, 1.5f, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE};

    assertThat(Tensor.fp32("t", values).floats()).containsExactly(values);
  }

  @Test
  void readsFloatsFromBytesInSeveralPieces() {
    ByteString pieces = bytes(0, 0).concat(bytes(0xc0, 0x3f));
    ByteString rope = pieces.concat(ByteString.copyFrom(new byte[1000]));

    assertThat(tensor(TensorType.FP32, pieces, 1).floats()).containsExactly(1.5f);
    assertThat(tensor(TensorType.FP32, rope, 251).floats()[0]).isEqualTo(1.5f);
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"})
  void readsWholeNumbers(TensorType type) {
    Random random = new Random(13);
    boolean unsigned = type == TensorType.BOOL || type.name().startsWith("U");
    for (int round = 0; round < 200; round++) {
      long raw = random.nextLong();
      ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, raw);
      ByteString element = ByteString.copyFrom(buffer, type.elementSize());
      int unused = 64 - 8 * type.elementSize();
      long expected = unsigned ? raw << unused >>> unused : raw << unused >> unused;

      Tensor tensor = tensor(type, zeros(type.elementSize()).concat(element), 2);

      assertThat(tensor.integer(0)).isZero();
      assertThat(tensor.integer(1)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"FP16", "FP32", "FP64", "BF16"})
  void doesNotReadWholeNumbersFromOthers(TensorType type) {
    violates(() -> tensor(type, zeros(type.elementSize()), 1).integer(0), "whole numbers");
  }

  @Test
  void doesNotReadWholeNumbersFromBytes() {
    violates(() -> Tensor.utf8("t", "abc").integer(0), "whole numbers");
  }

  @Test
  void doesNotReadBeyondItsElements() {
    violates(() -> Tensor.int32("t", 1, 2).integer(2), "no element 2");
    violates(() -> Tensor.int32("t", 1, 2).integer(-1), "no element -1");
    violates(() -> Tensor.int32("t", 1, 2).integer(Integer.MAX_VALUE), "no element");
    violates(() -> Tensor.int32("t").integer(0), "no element 0");
    violates(() -> Tensor.bytes("t", List.of()).firstBytes(), "is empty");
  }

  @Test
  void doesNotReadAnotherType() {
    violates(() -> Tensor.int32("t", 1).floats(), "FP32 was expected");
    violates(() -> Tensor.int32("t", 1).firstBytes(), "BYTES was expected");
    violates(() -> Tensor.int32("t", 1).bytesElements(), "BYTES was expected");
  }

  @Test
  void isReshapedToAnotherShapeOfTheSameSizeOnly() {
    Tensor tensor = Tensor.int32("t", 1, 2, 3, 4, 5, 6);

    assertThat(tensor.reshaped(2L, 3L).shape()).containsExactly(2L, 3L);
    assertThat(tensor.reshaped(2L, 3L).data()).isSameAs(tensor.data());
    violates(() -> tensor.reshaped(2L, 2L), "needs");
  }

  @Test
  void doesNotChangeWithTheListItWasMadeFrom() {
    List<Long> shape = new ArrayList<>(List.of(1L));
    Tensor tensor = new Tensor("t", TensorType.INT32, shape, zeros(4));

    shape.set(0, 9L);

    assertThat(tensor.elementCount()).isEqualTo(1);
  }

  @Test
  void sharesTheBytesItIsMadeOf() {
    ByteString big = ByteString.copyFrom(new byte[1 << 20]);
    Tensor tensor = Tensor.bytes("t", big);

    assertThat(tensor.firstBytes()).isEqualTo(big);
    assertThat(tensor.data().size()).isEqualTo(4 + big.size());
  }

  private static Tensor tensor(TensorType type, ByteString data, long... shape) {
    return new Tensor("t", type, java.util.Arrays.stream(shape).boxed().toList(), data);
  }

  private static ByteString zeros(int size) {
    return ByteString.copyFrom(new byte[size]);
  }

  private static ByteString bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return ByteString.copyFrom(bytes);
  }

  private static void violates(ThrowingCallable action, String what) {
    assertThatExceptionOfType(TritonException.class)
        .isThrownBy(action)
        .withMessageContaining(what)
        .extracting(TritonException::kind)
        .isEqualTo(CONTRACT_VIOLATED);
  }
}
