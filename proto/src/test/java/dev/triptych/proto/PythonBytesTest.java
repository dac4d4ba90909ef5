package dev.triptych.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.protobuf.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PythonBytesTest {

  @Test
  void readsEveryEscape() {
    assertThat(PythonBytes.parse("b'A\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"'", 0))
        .isEqualTo(bytes('A', 7, 8, 12, 10, 13, 9, 11, '\\', '\'', '"'));
  }

  @Test
  void takesExactlyTwoHexadecimalDigits() {
    assertThat(PythonBytes.parse("b'\\x0b\\xfF2'", 0)).isEqualTo(bytes(0x0b, 0xff, '2'));
  }

  @Test
  void takesUpToThreeOctalDigits() {
    assertThat(PythonBytes.parse("b'\\0\\08\\1012\\377'", 0))
        .isEqualTo(bytes(0, 0, '8', 'A', '2', 255));
  }

  @Test
  void endsAtItsOwnQuote() {
    assertThat(PythonBytes.parse("f(b\"it's\")", 2)).isEqualTo(ByteString.copyFromUtf8("it's"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"'a'", "b'a", "b'\\", "b'\\q'", "b'\\xg0'", "b'\\x1'", "b'é'"})
  void rejectsWhatIsNoLiteral(String source) {
    assertThatIllegalArgumentException().isThrownBy(() -> PythonBytes.parse(source, 0));
  }

  private static ByteString bytes(int... values) {
    ByteString.Output bytes = ByteString.newOutput();
    for (int value : values) {
      bytes.write(value);
    }
    return bytes.toByteString();
  }
}
