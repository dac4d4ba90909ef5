package dev.triptych.proto;

import java.util.List;

/** A rule that proto files keep. */
@FunctionalInterface
interface ProtoRule {

  /** One sentence for each place that breaks the rule; empty when it is kept. */
  List<String> violations(ProtoFiles protos);
}
