package dev.triptych.proto;

import com.google.protobuf.ByteString;

/** Reads a bytes literal of Python: {@code b'a\x12\n\\'}. */
final class PythonBytes {
  private final String source;
  private final ByteString.Output bytes = ByteString.newOutput();
  private int at;

  private PythonBytes(String source, int at) {
    this.source = source;
    this.at = at;
  }

  /**
   * Reads the literal that begins at a place of a source.
   *
   * @throws IllegalArgumentException when there is none, or it does not end, or an escape is wrong
   */
  static ByteString parse(String source, int start) {
    if (!source.startsWith("b'", start) && !source.startsWith("b\"", start)) {
      throw new IllegalArgumentException("no bytes literal at " + start);
    }
    return new PythonBytes(source, start + 2).until(source.charAt(start + 1));
  }

  private ByteString until(char quote) {
    for (char next = next(); next != quote; next = next()) {
      if (next > 0x7f) {
        throw new IllegalArgumentException("not ASCII at " + (at - 1));
      }
      if (next == '\\') {
        escape(next());
      } else {
        bytes.write(next);
      }
    }
    return bytes.toByteString();
  }

  private void escape(char letter) {
    switch (letter) {
      case 'a' -> bytes.write(0x07);
      case 'b' -> bytes.write('\b');
      case 'f' -> bytes.write('\f');
      case 'n' -> bytes.write('\n');
      case 'r' -> bytes.write('\r');
      case 't' -> bytes.write('\t');
      case 'v' -> bytes.write(0x0b);
      case '\\', '\'', '"' -> bytes.write(letter);
      case 'x' -> bytes.write(digit(next(), 16) * 16 + digit(next(), 16));
      case '0', '1', '2', '3', '4', '5', '6', '7' -> octal(letter);
      default -> throw new IllegalArgumentException("escape \\" + letter + " at " + (at - 1));
    }
  }

  /** Up to three digits; Python keeps the low eight bits. */
  private void octal(char first) {
    int value = digit(first, 8);
    for (int i = 1; i < 3 && at < source.length(); i++) {
      int digit = Character.digit(source.charAt(at), 8);
      if (digit < 0) {
        break;
      }
      value = value * 8 + digit;
      at++;
    }
    bytes.write(value);
  }

  private int digit(char character, int radix) {
    int digit = Character.digit(character, radix);
    if (digit < 0) {
      throw new IllegalArgumentException("not a digit at " + (at - 1));
    }
    return digit;
  }

  private char next() {
    if (at >= source.length()) {
      throw new IllegalArgumentException("the literal does not end");
    }
    return source.charAt(at++);
  }
}
