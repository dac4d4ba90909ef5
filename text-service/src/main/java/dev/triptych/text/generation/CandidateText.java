package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.text.v1.Candidate;
import dev.triptych.text.v1.FinishReason;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * One candidate as it grows: its whole characters, its end, its digest, its tokens. Not
 * thread-safe.
 */
final class CandidateText {

  private final int index;
  private final List<String> stops;
  private final int maxTokens;
  private final StopScanner scanner;
  private final MessageDigest digest = sha256();
  private ModelOutput.Finish finish = ModelOutput.Finish.NONE;
  private long tokens;
  private boolean ended;

  CandidateText(int index, Controls controls) {
    this.index = index;
    this.stops = controls.stops();
    this.maxTokens = controls.maxOutputTokens();
    this.scanner = new StopScanner(stops);
  }

  /**
   * Takes what the model wrote; returns the text to pass on now: whole characters, before any stop
   * text, valid UTF-8.
   */
  ByteString add(ModelOutput.Delta delta) {
    if (ended) {
      return ByteString.EMPTY;
    }
    tokens += delta.tokens() < 0 ? 1 : delta.tokens();
    ByteString text = scanner.add(delta.text());
    if (scanner.found() >= 0) {
      ended = true;
    } else if (delta.finish() != ModelOutput.Finish.NONE) {
      finish = delta.finish();
      ended = true;
      text = text.concat(scanner.end());
    }
    return passOn(text);
  }

  /** The stream ended; returns what was still held back. */
  ByteString end() {
    ended = true;
    return passOn(scanner.end());
  }

  /** Whether it is complete: nothing that the model may still write changes it. */
  boolean ended() {
    return ended;
  }

  long tokens() {
    return tokens;
  }

  int index() {
    return index;
  }

  /** How it ended, without its text. */
  Candidate.Builder outcome() {
    int stop = scanner.found();
    return Candidate.newBuilder()
        .setIndex(index)
        .setFinishReason(reason(stop))
        .setStopSequence(stop >= 0 ? stops.get(stop) : "")
        .setTextSha256(HexFormat.of().formatHex(digest.digest()));
  }

  private FinishReason reason(int stop) {
    if (stop >= 0) {
      return FinishReason.FINISH_REASON_STOP_SEQUENCE;
    }
    return switch (finish) {
      case STOP -> FinishReason.FINISH_REASON_STOP;
      case LENGTH -> FinishReason.FINISH_REASON_MAX_TOKENS;
      // The backend does not say; then only the limit tells.
      case NONE ->
          tokens >= maxTokens
              ? FinishReason.FINISH_REASON_MAX_TOKENS
              : FinishReason.FINISH_REASON_STOP;
    };
  }

  private ByteString passOn(ByteString text) {
    ByteString valid = text.isValidUtf8() ? text : ByteString.copyFromUtf8(text.toStringUtf8());
    for (ByteBuffer buffer : valid.asReadOnlyByteBufferList()) {
      digest.update(buffer);
    }
    return valid;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
