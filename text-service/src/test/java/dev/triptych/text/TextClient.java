package dev.triptych.text;

import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.TextServiceGrpc;
import io.grpc.Channel;
import java.util.concurrent.TimeUnit;

/** Stubs whose calls end after a minute at the latest. */
record TextClient(Channel channel) {

  private static final int LIMIT_SECONDS = 60;

  TextServiceGrpc.TextServiceBlockingStub blocking() {
    return TextServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  /** Begins a stream that is read as it comes. */
  TextStream stream(GenerateTextRequest request) {
    TextStream stream = unread(request);
    stream.readAll();
    return stream;
  }

  /** Begins a stream of which nothing is read until it is asked for. */
  TextStream unread(GenerateTextRequest request) {
    return TextStream.begin(
        TextServiceGrpc.newStub(channel).withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS),
        request);
  }

  static GenerateTextRequest prompt(String prompt, int maxOutputTokens) {
    return GenerateTextRequest.newBuilder()
        .setPrompt(prompt)
        .setControls(
            GenerationControls.newBuilder().setMaxOutputTokens(maxOutputTokens).setSeed(11))
        .build();
  }
}
