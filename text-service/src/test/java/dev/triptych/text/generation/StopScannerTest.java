package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StopScannerTest {

  @Test
  void letsAllThroughAtOnceWhereNothingCanStop() {
    StopScanner scanner = new StopScanner(List.of());

    assertThat(scanner.add(bytes("any text")).toStringUtf8()).isEqualTo("any text");
    assertThat(scanner.end().isEmpty()).isTrue();
    assertThat(scanner.found()).isEqualTo(-1);
  }

  @ParameterizedTest
  @CsvSource({
    "STOP, STOP, ''",
    "STOP and more, STOP, ''",
    "text STOP, STOP, 'text '",
    "text STO, STOP, text STO",
    "SSTOP, STOP, S",
    "STSTOP, STOP, ST",
    "aaab, aab, a",
    "größe—ende, —, größe",
    "'a\n\nb', '\n\n', a"
  })
  void endsTheTextBeforeTheStop(String text, String stop, String expected) {
    Scanned scanned = scan(List.of(stop), bytes(text));

    assertThat(scanned.text()).isEqualTo(expected);
    assertThat(scanned.stop()).isEqualTo(expected.equals(text) ? -1 : 0);
  }

  @Test
  void holdsBackOnlyWhatCanBeginAStop() {
    StopScanner scanner = new StopScanner(List.of("</answer>"));

    assertThat(scanner.add(bytes("yes</")).toStringUtf8()).isEqualTo("yes");
    assertThat(scanner.add(bytes("ans")).isEmpty()).isTrue();
    assertThat(scanner.add(bytes("!")).toStringUtf8()).isEqualTo("</ans!");
  }

  @Test
  void theLongestHoldBackIsOneByteLessThanTheStop() {
    String stop = "x".repeat(255) + "y";
    StopScanner scanner = new StopScanner(List.of(stop));

    assertThat(scanner.add(bytes("x".repeat(255))).isEmpty()).isTrue();
    assertThat(scanner.add(bytes("x")).toStringUtf8()).isEqualTo("x");
    assertThat(scanner.add(bytes("y")).isEmpty()).isTrue();
    assertThat(scanner.found()).isZero();
  }

  @Test
  void letsNothingThroughAfterAStop() {
    StopScanner scanner = new StopScanner(List.of("b"));
    assertThat(scanner.add(bytes("ab")).toStringUtf8()).isEqualTo("a");

    assertThat(scanner.add(bytes("ac")).isEmpty()).isTrue();
    assertThat(scanner.end().isEmpty()).isTrue();
  }

  @Test
  void holdsBackTheBeginningOfACharacter() {
    StopScanner scanner = new StopScanner(List.of());
    ByteString smile = bytes("😀");

    assertThat(scanner.add(bytes("a").concat(smile.substring(0, 3))).toStringUtf8()).isEqualTo("a");
    assertThat(scanner.add(smile.substring(3))).isEqualTo(smile);
  }

  @Test
  void aCharacterThatIsNeverCompletedBecomesTheReplacement() {
    StopScanner scanner = new StopScanner(List.of());

    assertThat(scanner.add(bytes("😀").substring(0, 2)).isEmpty()).isTrue();
    assertThat(scanner.end().toStringUtf8()).isEqualTo("\uFFFD");
  }

  @Test
  void ofOverlappingStopsTheOneThatIsCompleteFirstCountsHoweverTheTextComes() {
    List<String> stops = List.of("abc", "b");

    assertThat(scan(stops, bytes("xabc"))).isEqualTo(new Scanned("xa", 1));
    assertThat(scan(stops, bytes("xa"), bytes("bc"))).isEqualTo(new Scanned("xa", 1));
    assertThat(scan(stops, bytes("xab"), bytes("c"))).isEqualTo(new Scanned("xa", 1));
  }

  @Test
  void ofStopsThatAreCompleteTogetherTheLongestCounts() {
    assertThat(scan(List.of("c", "abc", "bc"), bytes("xabc"))).isEqualTo(new Scanned("x", 1));
  }

  @Test
  void aStopThatBeginsAnotherOneEndsTheText() {
    assertThat(scan(List.of("abc", "ab"), bytes("xabc"))).isEqualTo(new Scanned("x", 1));
    assertThat(scan(List.of("abc", "ab"), bytes("xab"), bytes("c"))).isEqualTo(new Scanned("x", 1));
  }

  @Test
  void cutsIntoTwoAtAnyByteGiveWhatTheWholeGives() {
    ByteString text = bytes("Grüße, 世界! 😀 naïve\n\nENDE and more");
    for (List<String> stops :
        List.of(
            List.<String>of(),
            List.of("ENDE"),
            List.of("界", "ENDE"),
            List.of("😀 n", "ï"),
            List.of("never", "😁"))) {
      Scanned whole = scan(stops, text);
      for (int i = 0; i <= text.size(); i++) {
        for (int j = i; j <= text.size(); j++) {
          assertThat(scan(stops, text.substring(0, i), text.substring(i, j), text.substring(j)))
              .as("%s cut at %d and %d", stops, i, j)
              .isEqualTo(whole);
        }
      }
    }
  }

  @Test
  void anyTextInAnyPiecesGivesWhatTheWholeGives() {
    Random random = new Random(20260714);
    for (int round = 0; round < 20_000; round++) {
      List<String> stops = randomStops(random);
      ByteString text = randomText(random);
      Scanned whole = scan(stops, text);
      List<ByteString> pieces = randomPieces(random, text);

      Scanned inPieces = scan(stops, pieces.toArray(ByteString[]::new));

      assertThat(inPieces).as("round %d: %s in %s", round, stops, pieces).isEqualTo(whole);
      assertThat(whole).as("round %d", round).isEqualTo(byDefinition(stops, text.toStringUtf8()));
    }
  }

  @Test
  void invalidBytesInAnyPiecesGiveWhatTheWholeGives() {
    Random random = new Random(8);
    for (int round = 0; round < 20_000; round++) {
      byte[] noise = new byte[random.nextInt(12)];
      random.nextBytes(noise);
      ByteString text = ByteString.copyFrom(noise);
      List<ByteString> pieces = randomPieces(random, text);

      Scanned inPieces = scan(List.of("\u0001"), pieces.toArray(ByteString[]::new));

      assertThat(inPieces)
          .as("round %d: %s", round, pieces)
          .isEqualTo(scan(List.of("\u0001"), text));
    }
  }

  @Test
  void eachPieceThatItLetsThroughOfValidTextIsWholeCharacters() {
    Random random = new Random(3);
    for (int round = 0; round < 5_000; round++) {
      StopScanner scanner = new StopScanner(randomStops(random));
      for (ByteString piece : randomPieces(random, randomText(random))) {
        assertThat(scanner.add(piece).isValidUtf8()).isTrue();
      }
      assertThat(scanner.end().isValidUtf8()).isTrue();
    }
  }

  private static List<String> randomStops(Random random) {
    List<String> stops = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      String stop = randomLetters(random, 1 + random.nextInt(4));
      if (!stops.contains(stop)) {
        stops.add(stop);
      }
    }
    return stops;
  }

  private static ByteString randomText(Random random) {
    return bytes(randomLetters(random, random.nextInt(24)));
  }

  /** Of few letters, so that stops occur, overlap and almost occur. */
  private static String randomLetters(Random random, int count) {
    String[] letters = {"a", "b", "ä", "世", "😀"};
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.append(letters[random.nextInt(letters.length)]);
    }
    return text.toString();
  }

  private static List<ByteString> randomPieces(Random random, ByteString text) {
    List<ByteString> pieces = new ArrayList<>();
    for (int at = 0; at < text.size(); ) {
      int end = Math.min(text.size(), at + 1 + random.nextInt(4));
      pieces.add(text.substring(at, end));
      at = end;
    }
    return pieces;
  }

  /** The stop that ends first counts, and of those that end together the longest. */
  private static Scanned byDefinition(List<String> stops, String text) {
    for (int end = 0; end <= text.length(); end++) {
      int best = -1;
      for (int i = 0; i < stops.size(); i++) {
        boolean longer = best < 0 || stops.get(i).length() > stops.get(best).length();
        if (longer && text.substring(0, end).endsWith(stops.get(i))) {
          best = i;
        }
      }
      if (best >= 0) {
        return new Scanned(text.substring(0, end - stops.get(best).length()), best);
      }
    }
    return new Scanned(text, -1);
  }

  private static Scanned scan(List<String> stops, ByteString... pieces) {
    StopScanner scanner = new StopScanner(stops);
    StringBuilder text = new StringBuilder();
    for (ByteString piece : pieces) {
      text.append(scanner.add(piece).toStringUtf8());
    }
    text.append(scanner.end().toStringUtf8());
    return new Scanned(text.toString(), scanner.found());
  }

  private static ByteString bytes(String text) {
    return ByteString.copyFrom(text.getBytes(StandardCharsets.UTF_8));
  }

  private record Scanned(String text, int stop) {}
}
