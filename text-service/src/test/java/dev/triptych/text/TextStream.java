package dev.triptych.text;

import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerationResult;
import dev.triptych.text.v1.StreamGenerateTextResponse;
import dev.triptych.text.v1.TextChunk;
import dev.triptych.text.v1.TextServiceGrpc;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A stream as its caller sees it; the caller decides when to read on. Thread-safe. */
final class TextStream
    implements ClientResponseObserver<GenerateTextRequest, StreamGenerateTextResponse> {

  private final List<StreamGenerateTextResponse> received = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
  private @Nullable ClientCallStreamObserver<GenerateTextRequest> call;
  private final AtomicInteger count = new AtomicInteger();
  private volatile boolean readsAll;
  private volatile @Nullable GenerationResult result;

  private TextStream() {}

  static TextStream begin(TextServiceGrpc.TextServiceStub stub, GenerateTextRequest request) {
    TextStream stream = new TextStream();
    stub.streamGenerateText(request, stream);
    return stream;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<GenerateTextRequest> started) {
    call = started;
    started.disableAutoRequestWithInitial(0);
  }

  @Override
  public void onNext(StreamGenerateTextResponse response) {
    count.incrementAndGet();
    if (received.size() < 5_000) {
      received.add(response);
    }
    if (response.hasResult()) {
      result = response.getResult();
    }
    if (readsAll) {
      call().request(1);
    }
  }

  @Override
  public void onError(Throwable failure) {
    ended.completeExceptionally(failure);
  }

  @Override
  public void onCompleted() {
    ended.complete(true);
  }

  void read(int more) {
    call().request(more);
  }

  /** Reads what comes, from now on. */
  void readAll() {
    readsAll = true;
    call().request(1);
  }

  void cancel() {
    call().cancel("the test left", null);
  }

  /** How many messages came. */
  int count() {
    return count.get();
  }

  boolean isOver() {
    return ended.isDone();
  }

  /** The chunks, of a stream of up to 5,000 messages. */
  List<TextChunk> chunks() {
    return received.stream()
        .filter(StreamGenerateTextResponse::hasChunk)
        .map(StreamGenerateTextResponse::getChunk)
        .toList();
  }

  String text(int candidate) {
    return chunks().stream()
        .filter(chunk -> chunk.getCandidateIndex() == candidate)
        .map(TextChunk::getText)
        .collect(Collectors.joining());
  }

  /** Waits for its good end; returns the result. */
  GenerationResult result(Duration limit) {
    try {
      ended.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError("no good end within " + limit + " after " + count + " messages", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    GenerationResult last = result;
    if (last == null) {
      throw new AssertionError("it ended with OK and without a result");
    }
    return last;
  }

  /** Waits for its bad end. */
  Refusal refusal(Duration limit) {
    try {
      ended.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      throw new AssertionError("it ended with OK");
    } catch (ExecutionException e) {
      return Refusal.of((StatusRuntimeException) e.getCause());
    } catch (TimeoutException e) {
      throw new AssertionError("no end within " + limit + " after " + count + " messages", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private ClientCallStreamObserver<GenerateTextRequest> call() {
    ClientCallStreamObserver<GenerateTextRequest> started = call;
    if (started == null) {
      throw new IllegalStateException("not begun");
    }
    return started;
  }
}
