package dev.triptych.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A slow reader slows the model, and nothing piles up between them. */
class FlowControlTest {

  private static final int CHUNKS = 2000;
  private static final int CHUNK_BYTES = 64 << 10;

  private final FakeModel stream =
      FakeModel.decoupled("stream", Behaviour.bigChunks(CHUNKS, CHUNK_BYTES));
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(stream);
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void close() {
    client.close();
    triton.close();
  }

  @Test
  void bringsOneResponseForEachThatWasAskedFor() {
    stream.behaves(Behaviour.chunks(10));
    Recorder recorder = client.start(client.model("stream"), "hello", Recorder.slow());

    for (int asked = 1; asked <= 3; asked++) {
      int expected = asked;
      recorder.awaitResponses(expected);
      await()
          .during(Duration.ofMillis(300))
          .atMost(Recorder.LONG)
          .until(() -> recorder.responses().size() == expected);
      recorder.requestNext();
    }
    assertThat(recorder.ends()).isZero();
  }

  @Test
  void makesTheModelWait() {
    Recorder recorder = client.start(client.model("stream"), "hello", Recorder.slow());
    recorder.awaitResponses(1);

    await()
        .during(Duration.ofSeconds(1))
        .atMost(Recorder.LONG)
        .until(() -> stream.responses() < CHUNKS / 10);

    assertThat(recorder.responses()).hasSize(1);
    assertThat(stream.running()).isEqualTo(1);
  }

  @Test
  void bringsAllInTheEnd() {
    stream.behaves(Behaviour.bigChunks(100, CHUNK_BYTES));
    Recorder recorder = client.start(client.model("stream"), "hello", Recorder.slow());

    for (int next = 1; next <= 100; next++) {
      recorder.awaitResponses(next);
      recorder.requestNext();
    }

    recorder.awaitCompletion();
    assertThat(recorder.responses()).hasSize(100);
  }

  @Test
  void aPausedReaderDoesNotHoldUpOthers() {
    FakeModel other = FakeModel.unary("other", Behaviour.echo());
    triton.add(other);
    Recorder paused = client.start(client.model("stream"), "hello", Recorder.slow());
    paused.awaitResponses(1);
    TritonModel model = client.model("other");

    for (int i = 0; i < 50; i++) {
      model.infer(ClientFixture.text("x".repeat(10_000)));
    }

    assertThat(paused.ends()).isZero();
    assertThat(triton.connections()).isEqualTo(1);
  }
}
