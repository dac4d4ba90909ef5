package dev.triptych.triton;

import com.google.common.net.HostAndPort;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.StatusOr;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * Resolves {@code static:///host:port,host:port}: several replicas by name, where no DNS name
 * stands for all of them. In a cluster use {@code dns:///} with a headless service.
 */
final class StaticNameResolver extends NameResolver {

  static final String SCHEME = "static";

  private final List<EquivalentAddressGroup> addresses;

  private StaticNameResolver(List<EquivalentAddressGroup> addresses) {
    this.addresses = addresses;
  }

  @Override
  public String getServiceAuthority() {
    return "triton";
  }

  @Override
  public void start(Listener2 listener) {
    listener.onResult(
        ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(addresses)).build());
  }

  @Override
  public void shutdown() {}

  /** Provider of the scheme. */
  static final class Provider extends NameResolverProvider {

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      List<EquivalentAddressGroup> addresses =
          Arrays.stream(target.getPath().substring(1).split(","))
              .map(String::strip)
              .map(HostAndPort::fromString)
              .map(at -> (SocketAddress) new InetSocketAddress(at.getHost(), at.getPort()))
              .map(EquivalentAddressGroup::new)
              .toList();
      return new StaticNameResolver(addresses);
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
      return Set.of(InetSocketAddress.class);
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 4;
    }
  }
}
