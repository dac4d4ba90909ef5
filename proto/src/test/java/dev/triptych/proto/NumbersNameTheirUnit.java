package dev.triptych.proto;

import static java.util.Map.entry;

import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The last word of a number's name says its unit, or says that it has none. One spelling a unit.
 * The few numbers whose established names say neither are listed here by full name, each with why.
 *
 * <p>What it cannot see: whether the unit in the name is the true one.
 */
record NumbersNameTheirUnit() implements ProtoRule {
  /** Last words that are units. */
  static final Set<String> UNITS = Set.of("ms", "bytes", "tokens", "px", "hertz");

  /** Last words that say that a number has no unit. */
  static final Map<String, String> WITHOUT_UNIT =
      Map.ofEntries(
          entry("count", "how many of what the words before it name"),
          entry("dimensions", "how many coordinates"),
          entry("index", "a place in a list"),
          entry("sequence", "a place in a stream"),
          entry("seed", "an arbitrary number, never a quantity"),
          entry("logprob", "a logarithm of a probability; its base is in the comment"),
          entry("penalty", "a strength on the scale in the comment"));

  /** Fields whose names generative AI has settled. */
  static final Map<String, String> EXCEPTIONS =
      Map.ofEntries(
          entry("triptych.text.v1.Embedding.values", "coordinates, pure numbers"),
          entry("triptych.text.v1.GenerationControls.min_p", "a probability"),
          entry("triptych.text.v1.GenerationControls.temperature", "a pure factor, not degrees"),
          entry("triptych.text.v1.GenerationControls.top_k", "how many tokens"),
          entry("triptych.text.v1.GenerationControls.top_logprobs", "how many alternatives"),
          entry("triptych.text.v1.GenerationControls.top_p", "a probability"));

  /** How many elements a page of any list has at most: a name that AIP-158 has settled. */
  private static final String PAGE_SIZE = "page_size";

  /** Wrong spellings and the right one. */
  private static final Map<String, String> RESPELL =
      Map.ofEntries(
          entry("byte", "bytes"),
          entry("hz", "hertz"),
          entry("millis", "ms"),
          entry("milliseconds", "ms"),
          entry("msec", "ms"),
          entry("pixels", "px"),
          entry("token", "tokens"));

  private static final Set<FieldDescriptorProto.Type> NOT_NUMBERS =
      EnumSet.of(
          FieldDescriptorProto.Type.TYPE_BOOL,
          FieldDescriptorProto.Type.TYPE_BYTES,
          FieldDescriptorProto.Type.TYPE_ENUM,
          FieldDescriptorProto.Type.TYPE_GROUP,
          FieldDescriptorProto.Type.TYPE_MESSAGE,
          FieldDescriptorProto.Type.TYPE_STRING);

  @Override
  public List<String> violations(ProtoFiles protos) {
    return protos
        .elements(FieldDescriptorProto.class)
        .filter(field -> !NOT_NUMBERS.contains(field.declaration().getType()))
        .filter(field -> !namesItsUnit(field) && !EXCEPTIONS.containsKey(field.name()))
        .map(field -> "number " + field.name() + " says no unit" + hint(field))
        .toList();
  }

  /** True when the rule holds without an exception. */
  static boolean namesItsUnit(ProtoElement<FieldDescriptorProto> field) {
    return UNITS.contains(lastWord(field))
        || WITHOUT_UNIT.containsKey(lastWord(field))
        || field.declaration().getName().equals(PAGE_SIZE);
  }

  private static String hint(ProtoElement<FieldDescriptorProto> field) {
    String spelling = RESPELL.get(lastWord(field));
    return spelling == null ? "" : ": write _" + spelling;
  }

  private static String lastWord(ProtoElement<FieldDescriptorProto> field) {
    String name = field.declaration().getName();
    return name.substring(name.lastIndexOf('_') + 1);
  }
}
