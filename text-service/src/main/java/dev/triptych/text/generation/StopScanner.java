package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import java.util.List;

/**
 * Finds the first stop text in a stream of bytes, across chunk borders, and lets through only what
 * can't be part of one. It also holds back the beginning of a character until the rest of it comes,
 * so that what it lets through is whole characters. Of several stop texts the one that is complete
 * first counts, and of those that are complete together the longest: so it does not matter in which
 * pieces the text comes. Works on UTF-8 bytes: a stop text of whole characters can only match at a
 * character border. Not thread-safe.
 */
final class StopScanner {

  private final List<ByteString> stops;
  private final int longest;
  private ByteString held = ByteString.EMPTY;
  private int found = -1;

  StopScanner(List<String> stops) {
    this.stops = stops.stream().map(ByteString::copyFromUtf8).toList();
    this.longest = this.stops.stream().mapToInt(ByteString::size).max().orElse(0);
  }

  /**
   * Takes more bytes; returns what can be passed on now. After a stop text was found, nothing more.
   */
  ByteString add(ByteString more) {
    if (found >= 0) {
      return ByteString.EMPTY;
    }
    ByteString all = held.isEmpty() ? more : held.concat(more);
    if (longest > 0) {
      int at = firstStop(all);
      if (at >= 0) {
        held = ByteString.EMPTY;
        return all.substring(0, at);
      }
    }
    int safe = Math.min(all.size() - heldForStops(all), wholeCharacters(all));
    held = safe == all.size() ? ByteString.EMPTY : all.substring(safe);
    return safe == all.size() ? all : all.substring(0, safe);
  }

  /**
   * What was held back, at the end of the stream; a character that was never completed becomes
   * U+FFFD.
   */
  ByteString end() {
    ByteString rest = held;
    held = ByteString.EMPTY;
    return rest.isValidUtf8() ? rest : ByteString.copyFromUtf8(rest.toStringUtf8());
  }

  /** Index of the stop text that was found; -1: none yet. */
  int found() {
    return found;
  }

  private int firstStop(ByteString all) {
    for (int end = 1; end <= all.size(); end++) {
      int begin = end;
      for (int i = 0; i < stops.size(); i++) {
        int at = end - stops.get(i).size();
        if (at >= 0 && at < begin && matches(all, at, stops.get(i), stops.get(i).size())) {
          found = i;
          begin = at;
        }
      }
      if (begin < end) {
        return begin;
      }
    }
    return -1;
  }

  /** Length of the longest end of the bytes that begins a stop text. */
  private int heldForStops(ByteString all) {
    for (int length = Math.min(longest - 1, all.size()); length > 0; length--) {
      int at = all.size() - length;
      for (ByteString stop : stops) {
        if (length < stop.size() && matches(all, at, stop, length)) {
          return length;
        }
      }
    }
    return 0;
  }

  private static boolean matches(ByteString all, int at, ByteString stop, int length) {
    if (at + length > all.size()) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (all.byteAt(at + i) != stop.byteAt(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Length of the bytes without a character that has begun but not ended (RFC 3629: at most four
   * bytes).
   */
  private static int wholeCharacters(ByteString all) {
    int size = all.size();
    for (int back = 1; back <= Math.min(4, size); back++) {
      int value = all.byteAt(size - back) & 0xff;
      if (value < 0x80) {
        return size;
      }
      if (value >= 0xc0) {
        int needed = value >= 0xf0 ? 4 : value >= 0xe0 ? 3 : 2;
        return needed > back ? size - back : size;
      }
    }
    return size;
  }
}
