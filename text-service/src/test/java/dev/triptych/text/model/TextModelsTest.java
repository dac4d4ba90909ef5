package dev.triptych.text.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.triptych.kit.failure.Failure;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextModelsTest {

  private final DeclaredModels declared = DeclaredModels.usual();
  private final TextModels models = declared.models();

  @AfterEach
  void close() {
    declared.close();
  }

  @Test
  void anEmptyNameMeansTheDefault() {
    assertThat(models.forGeneration("").resource()).isEqualTo("models/story");
    assertThat(models.forEmbedding("").resource()).isEqualTo("models/vectors");
  }

  @Test
  void selectsVariants() {
    TextModels.Selected selected = models.forGeneration("models/story@kids");

    assertThat(selected.resource()).isEqualTo("models/story@kids");
    assertThat(selected.model().lora(selected.variant())).isEqualTo("kids-adapter");
    assertThat(selected.model().route("kids").settings().name()).isEqualTo("text");
    assertThat(selected.model().route("tuned").settings().name()).isEqualTo("text-tuned");
    assertThat(selected.model().lora("tuned")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"models/none", "models/story@none", "models/none@kids"})
  void whatIsNotDeclaredIsNotFound(String name) {
    Failure.NotFound missing =
        catchThrowableOfType(Failure.NotFound.class, () -> models.forGeneration(name));

    assertThat(missing.reason()).isEqualTo("MODEL_NOT_FOUND");
    assertThat(missing.metadata()).containsExactly(Map.entry("model", name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"story", "models/", "models/UPPER", "models/a@b@c", " "})
  void whatIsNoNameIsAnInvalidField(String name) {
    assertThat(invalidField(() -> models.forGeneration(name))).isEqualTo("model");
    assertThat(invalidField(() -> models.byName(name))).isEqualTo("name");
  }

  @Test
  void aModelIsUsedForWhatItCanDo() {
    assertThat(invalidField(() -> models.forGeneration("models/vectors"))).isEqualTo("model");
    assertThat(invalidField(() -> models.forEmbedding("models/story"))).isEqualTo("model");
  }

  @Test
  void aVariantIsNoModel() {
    assertThat(invalidField(() -> models.byName("models/story@kids"))).isEqualTo("name");
    assertThat(invalidField(() -> models.byName(""))).isEqualTo("name");
  }

  @Test
  void aCanaryGetsItsShareOfTheCallsThatNameNoVariant() {
    try (DeclaredModels all =
            DeclaredModels.with(
                Map.of("story.canary.triton-model", "next", "story.canary.percent", "100"));
        DeclaredModels none =
            DeclaredModels.with(
                Map.of("story.canary.triton-model", "next", "story.canary.percent", "0"))) {
      assertThat(all.model("story").route("").settings().name()).isEqualTo("next");
      assertThat(all.model("story").route("kids").settings().name()).isEqualTo("text");
      assertThat(none.model("story").route("").settings().name()).isEqualTo("text");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "story.limits.context-window-tokens, 0, story.limits.context-window-tokens",
    "vectors.embedding-dimensions, 0, vectors.embedding-dimensions",
    "story.variants.kids.triton-model, x, story.variants.kids",
    "story.canary.percent, 101, story.canary.percent",
    "story.limits.max-in-flight, 0, max-in-flight"
  })
  void aWrongDeclarationFailsTheStartAndNamesItsKey(String key, String value, String named) {
    Map<String, String> properties = Map.of("story.canary.triton-model", "next", key, value);
    Map<String, String> complete =
        key.endsWith("percent")
            ? properties
            : Map.of("story.canary.triton-model", "next", "story.canary.percent", "10", key, value);

    assertThatThrownBy(() -> DeclaredModels.with(complete).close()).hasMessageContaining(named);
  }

  @Test
  void theDefaultsMustBeDeclared() {
    assertThatThrownBy(() -> DeclaredModels.with(Map.of("story.dialect", "embedding")).close())
        .isInstanceOf(IllegalStateException.class);
  }

  private static String invalidField(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    return catchThrowableOfType(Failure.InvalidRequest.class, call).violations().getFirst().field();
  }
}
