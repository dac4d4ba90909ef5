package dev.triptych.kit.edge;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InboundBudgetTest {

  private final InboundBudget budget = new InboundBudget(new Limit(100));

  @Test
  void countsWhatArrivesUntilItIsRead() {
    ServerStreamTracer call = call(() -> {});

    call.inboundWireSize(30);
    call.inboundWireSize(20);
    assertThat(budget.arriving()).isEqualTo(50);

    call.inboundMessageRead(0, 50, 50);
    assertThat(budget.arriving()).isZero();
  }

  @Test
  void refusesTheCallThatExceedsTheBudgetOfAll() {
    int[] refused = new int[2];
    ServerStreamTracer first = call(() -> refused[0]++);
    ServerStreamTracer second = call(() -> refused[1]++);

    first.inboundWireSize(60);
    second.inboundWireSize(40);
    assertThat(refused).containsExactly(0, 0);
    second.inboundWireSize(1);

    assertThat(refused).containsExactly(0, 1);
  }

  @Test
  void refusesACallOnce() {
    int[] refused = new int[1];
    ServerStreamTracer call = call(() -> refused[0]++);

    call.inboundWireSize(101);
    call.inboundWireSize(101);

    assertThat(refused).containsExactly(1);
  }

  @Test
  void aCallThatEndsGivesAllBack() {
    ServerStreamTracer call = call(() -> {});
    call.inboundWireSize(70);

    call.streamClosed(Status.CANCELLED);

    assertThat(budget.arriving()).isZero();
  }

  @Test
  void givesBackNoMoreThanWasTaken() {
    ServerStreamTracer call = call(() -> {});
    ServerStreamTracer other = call(() -> {});
    other.inboundWireSize(10);
    call.inboundWireSize(5);

    call.inboundMessageRead(0, 50, 50);
    call.streamClosed(Status.OK);

    assertThat(budget.arriving()).isEqualTo(10);
  }

  @Test
  void countsCallsThatNobodyRefuses() {
    ServerStreamTracer call = budget.newServerStreamTracer("health", new Metadata());

    call.inboundWireSize(1000);
    assertThat(budget.arriving()).isEqualTo(1000);

    call.streamClosed(Status.OK);
    assertThat(budget.arriving()).isZero();
  }

  private ServerStreamTracer call(Runnable refuse) {
    ServerStreamTracer tracer = budget.newServerStreamTracer("method", new Metadata());
    tracer.filterContext(Context.ROOT).run(() -> InboundBudget.onExceeded(refuse));
    return tracer;
  }

  private record Limit(long maxInboundBytes) implements EdgeConfig {

    @Override
    public String defaultTenant() {
      return "default";
    }

    @Override
    public int maxConcurrentCalls() {
      return 1;
    }

    @Override
    public Map<String, Integer> methodLimits() {
      return Map.of();
    }

    @Override
    public Duration drainTimeout() {
      return Duration.ZERO;
    }

    @Override
    public Duration maxConnectionAge() {
      return Duration.ofMinutes(10);
    }
  }
}
