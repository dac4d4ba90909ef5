package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.triptych.text.v1.Candidate;
import dev.triptych.text.v1.FinishReason;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class CandidateTextTest {

  @Test
  void countsTokensAndSaysWhyItEnded() {
    CandidateText text = new CandidateText(2, Generations.plain());

    String all = add(text, "Once ", 1, ModelOutput.Finish.NONE) + add(text, "upon", 2, stop());
    Candidate outcome = text.outcome().build();

    assertThat(all).isEqualTo("Once upon");
    assertThat(text.tokens()).isEqualTo(3);
    assertThat(text.ended()).isTrue();
    assertThat(outcome.getIndex()).isEqualTo(2);
    assertThat(outcome.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
    assertThat(outcome.getTextSha256()).isEqualTo(sha256("Once upon"));
    assertThat(outcome.getText()).isEmpty();
    assertThat(outcome.getStopSequence()).isEmpty();
  }

  @Test
  void theLimitOfTokensIsAReason() {
    CandidateText text = new CandidateText(0, Generations.plain());

    String ignored = add(text, "a", 1, ModelOutput.Finish.LENGTH);

    assertThat(ignored).isEqualTo("a");
    assertThat(reason(text)).isEqualTo(FinishReason.FINISH_REASON_MAX_TOKENS);
  }

  @Test
  void aStopTextIsAReasonWhateverTheModelSays() {
    for (ModelOutput.Finish finish : ModelOutput.Finish.values()) {
      CandidateText text = new CandidateText(0, Generations.stopping("END", "."));

      assertThat(add(text, "Yes. No", 3, finish)).isEqualTo("Yes");

      Candidate outcome = text.outcome().build();
      assertThat(outcome.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP_SEQUENCE);
      assertThat(outcome.getStopSequence()).isEqualTo(".");
      assertThat(outcome.getTextSha256()).isEqualTo(sha256("Yes"));
      assertThat(text.ended()).isTrue();
    }
  }

  @Test
  void whatWasHeldBackComesWhenTheModelEnds() {
    CandidateText text = new CandidateText(0, Generations.stopping("END"));

    assertThat(add(text, "The E", 1, ModelOutput.Finish.NONE)).isEqualTo("The ");
    assertThat(add(text, "", 1, stop())).isEqualTo("E");
    assertThat(reason(text)).isEqualTo(FinishReason.FINISH_REASON_STOP);
  }

  @Test
  void whatWasHeldBackComesWhenTheStreamEnds() {
    CandidateText text = new CandidateText(0, Generations.stopping("END"));

    assertThat(add(text, "The EN", 1, ModelOutput.Finish.NONE)).isEqualTo("The ");
    assertThat(text.end().toStringUtf8()).isEqualTo("EN");
    assertThat(text.outcome().build().getTextSha256()).isEqualTo(sha256("The EN"));
  }

  @Test
  void takesNothingAfterItsEnd() {
    CandidateText text = new CandidateText(0, Generations.plain());

    String first = add(text, "a", 1, stop());
    String second = add(text, "b", 1, ModelOutput.Finish.NONE);

    assertThat(first + second).isEqualTo("a");
    assertThat(text.tokens()).isEqualTo(1);
  }

  @Test
  void withoutWordFromTheBackendTheLimitTells() {
    CandidateText atLimit = new CandidateText(0, Generations.limited(2));
    CandidateText below = new CandidateText(0, Generations.limited(3));

    for (CandidateText text : List.of(atLimit, below)) {
      assertThat(add(text, "a", -1, ModelOutput.Finish.NONE)).isEqualTo("a");
      assertThat(add(text, "b", -1, ModelOutput.Finish.NONE)).isEqualTo("b");
      assertThat(text.end().isEmpty()).isTrue();
    }

    assertThat(reason(atLimit)).isEqualTo(FinishReason.FINISH_REASON_MAX_TOKENS);
    assertThat(reason(below)).isEqualTo(FinishReason.FINISH_REASON_STOP);
  }

  @Test
  void invalidBytesBecomeTheReplacementInTextAndDigest() {
    CandidateText text = new CandidateText(0, Generations.plain());

    ByteString passed =
        text.add(
            new ModelOutput.Delta(
                ByteString.copyFrom(new byte[] {'a', (byte) 0xc3, '(', (byte) 0xff}),
                1,
                stop(),
                List.of()));

    assertThat(passed.isValidUtf8()).isTrue();
    assertThat(passed.toStringUtf8()).isEqualTo("a\uFFFD(\uFFFD");
    assertThat(text.outcome().build().getTextSha256()).isEqualTo(sha256("a\uFFFD(\uFFFD"));
  }

  @Test
  void aCharacterInTwoPiecesIsPassedOnWhole() {
    CandidateText text = new CandidateText(0, Generations.plain());
    ByteString smile = ByteString.copyFromUtf8("😀");

    ByteString first = text.add(delta(smile.substring(0, 1)));
    ByteString second = text.add(delta(smile.substring(1)));

    assertThat(first.isEmpty()).isTrue();
    assertThat(second).isEqualTo(smile);
  }

  private static ModelOutput.Finish stop() {
    return ModelOutput.Finish.STOP;
  }

  private static ModelOutput.Delta delta(ByteString bytes) {
    return new ModelOutput.Delta(bytes, 1, ModelOutput.Finish.NONE, List.of());
  }

  private static String add(
      CandidateText text, String more, long tokens, ModelOutput.Finish finish) {
    return text.add(new ModelOutput.Delta(ByteString.copyFromUtf8(more), tokens, finish, List.of()))
        .toStringUtf8();
  }

  private static FinishReason reason(CandidateText text) {
    return text.outcome().build().getFinishReason();
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
