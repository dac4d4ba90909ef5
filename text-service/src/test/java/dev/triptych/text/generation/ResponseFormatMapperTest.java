package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.triptych.kit.failure.Checks;
import dev.triptych.kit.failure.Failure;
import dev.triptych.kit.failure.FieldViolation;
import dev.triptych.text.model.DeclaredModels;
import dev.triptych.text.model.TextConfig;
import dev.triptych.text.v1.ResponseFormat;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseFormatMapperTest {

  private static final String SCHEMA = "controls.response_format.json_schema";
  private static final String CHOICE = "controls.response_format.choice.values";
  private static final String REGEX = "controls.response_format.regex";

  private static final ResponseFormatMapper MAPPER = new ResponseFormatMapper();
  private static final TextConfig.Model MODEL =
      Objects.requireNonNull(DeclaredModels.config(Map.of()).models().get("story"));

  private final Checks checks = new Checks();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}",
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"string\"}",
        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"enum\":[1,2]}}}",
        "{\"properties\":{\"$ref\":{\"type\":\"string\"}}}",
        " {\"type\":[\"null\",\"string\"]}\n"
      })
  void takesSchemas(String schema) {
    assertThat(map(schema(schema))).isEqualTo(new Controls.Form.JsonSchema(schema));
    assertThat(violations()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no JSON",
        "{",
        "{\"type\":\"object\"} and more",
        "[]",
        "true",
        "\"object\"",
        "{\"type\":\"objekt\"}",
        "{\"type\":5}",
        "{\"minimum\":\"1\"}",
        "{\"properties\":[]}",
        "{\"required\":\"a\"}",
        "{\"$ref\":\"https://example.com/other.json\"}",
        "{\"$ref\":\"other.json\"}",
        "{\"$ref\":\"file:///etc/passwd\"}",
        "{\"items\":{\"anyOf\":[{\"$dynamicRef\":\"http://x/#a\"}]}}"
      })
  void refusesWhatIsNoSchemaOrRefersElsewhere(String schema) {
    var unused = map(schema(schema));

    assertThat(violations()).isNotEmpty().allMatch(v -> v.field().equals(SCHEMA));
  }

  @Test
  void refusesASchemaThatIsTooLong() {
    String most = "{\"description\":\"" + "a".repeat(65_536 - 18) + "\"}";

    var small = map(schema(most));
    assertThat(small).isNotNull();
    assertThat(violations()).isEmpty();
    var big = map(schema(most.replaceFirst("a", "aa")));
    assertThat(big).isNotNull();
    assertThat(violations()).hasSize(1);
  }

  @Test
  void theLengthOfASchemaIsCountedInBytes() {
    var unused = map(schema("{\"description\":\"" + "世".repeat(30_000) + "\"}"));

    assertThat(violations()).extracting(FieldViolation::field).containsExactly(SCHEMA);
  }

  @ParameterizedTest
  @ValueSource(ints = {70, 900, 5_000})
  void refusesASchemaThatIsTooDeepAtOnceAndSaysItOnce(int depth) {
    String deep = "{\"not\":".repeat(depth) + "{}" + "}".repeat(depth);

    assertThat(quickly(schema(deep))).isNotNull();

    assertThat(violations()).hasSize(1).allMatch(v -> v.field().equals(SCHEMA));
  }

  @Test
  void aDeepTreeOfManyBranchesIsToldInFewWords() {
    String deep = "{\"not\":".repeat(70) + "{}" + "}".repeat(70);
    String wide = "{\"allOf\":[" + String.join(",", Collections.nCopies(80, deep)) + "]}";

    assertThat(quickly(schema(wide))).isNotNull();

    assertThat(violations()).hasSizeBetween(1, 16).allMatch(v -> v.field().equals(SCHEMA));
  }

  @Test
  void aLargeSchemaIsCheckedQuickly() {
    StringBuilder large = new StringBuilder("{\"type\":\"object\",\"properties\":{\"a\":{}");
    for (int i = 0; i < 2_000; i++) {
      large.append(",\"p").append(i).append("\":{\"type\":\"string\"}");
    }
    var warm = map(schema("{}"));
    assertThat(warm).isNotNull();

    assertThat(quickly(schema(large.append("}}").toString()))).isNotNull();

    assertThat(violations()).isEmpty();
  }

  @Test
  void takesChoices() {
    List<String> values = Collections.nCopies(64, "a");

    assertThat(map(choice(values))).isEqualTo(new Controls.Form.Choice(values));
    assertThat(violations()).isEmpty();
  }

  @Test
  void refusesNoChoiceTooManyAndEmptyOnes() {
    var none = map(choice(List.of()));
    var many = map(choice(Collections.nCopies(65, "a")));
    var empty = map(choice(List.of("a", "")));

    assertThat(List.of(none, many, empty)).doesNotContainNull();
    assertThat(violations())
        .extracting(FieldViolation::field)
        .containsExactly(CHOICE, CHOICE, CHOICE + "[1]");
  }

  @Test
  void takesExpressions() {
    assertThat(map(regex("[a-z]+@\\d{2}"))).isEqualTo(new Controls.Form.Regex("[a-z]+@\\d{2}"));
    assertThat(violations()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "(", "[a", "a{2,1}", "*"})
  void refusesWhatIsNoExpression(String pattern) {
    var unused = map(regex(pattern));

    assertThat(violations()).extracting(FieldViolation::field).containsExactly(REGEX);
  }

  @Test
  void refusesAnExpressionThatIsTooLongOrTooDeep() {
    var many = quickly(regex("a".repeat(4097)));
    var deep = quickly(regex("(".repeat(2048) + ")".repeat(2048)));

    assertThat(List.of(many, deep)).doesNotContainNull();
    assertThat(violations()).extracting(FieldViolation::field).contains(REGEX);
  }

  @Test
  void refusesAnyFormForAModelThatCantBeHeldToOne() {
    TextConfig.Model free =
        Objects.requireNonNull(
            DeclaredModels.config(Map.of("story.structured-output", "false"))
                .models()
                .get("story"));

    assertThat(MAPPER.toDomain(regex("a"), free, checks)).isNull();
    assertThat(violations())
        .extracting(FieldViolation::field)
        .containsExactly("controls.response_format");
  }

  private Controls.Form map(ResponseFormat format) {
    return Objects.requireNonNull(MAPPER.toDomain(format, MODEL, checks));
  }

  private Controls.Form quickly(ResponseFormat format) {
    long start = System.nanoTime();
    Controls.Form form = map(format);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500));
    return form;
  }

  private List<FieldViolation> violations() {
    Failure.InvalidRequest thrown =
        catchThrowableOfType(Failure.InvalidRequest.class, checks::throwIfViolated);
    return thrown == null ? List.of() : thrown.violations();
  }

  private static ResponseFormat schema(String schema) {
    return ResponseFormat.newBuilder().setJsonSchema(schema).build();
  }

  private static ResponseFormat regex(String pattern) {
    return ResponseFormat.newBuilder().setRegex(pattern).build();
  }

  private static ResponseFormat choice(List<String> values) {
    return ResponseFormat.newBuilder()
        .setChoice(ResponseFormat.Choice.newBuilder().addAllValues(values))
        .build();
  }
}
