package dev.triptych.proto;

import java.util.List;

/** Every service, rpc, message, field, oneof, enum and enum value has a comment right before it. */
record EverythingHasComment() implements ProtoRule {

  @Override
  public List<String> violations(ProtoFiles protos) {
    return protos
        .elements()
        .filter(element -> element.comment().isEmpty())
        .map(element -> element.kind() + " " + element.name() + " has no comment before it")
        .toList();
  }
}
