package dev.triptych.text.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelNameTest {

  @ParameterizedTest
  @CsvSource({
    "models/smollm2, smollm2, ''",
    "models/a, a, ''",
    "models/llama-3.1-8b, llama-3.1-8b, ''",
    "models/story@kids, story, kids",
    "models/story@v1.2-beta, story, v1.2-beta"
  })
  void readsNames(String name, String model, String variant) {
    assertThat(ModelName.parse(name)).isEqualTo(new ModelName(model, variant));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "models/",
        "models",
        "smollm2",
        "/models/smollm2",
        "models/smollm2/",
        "models/a/b",
        "models/UPPER",
        "models/-a",
        "models/a-",
        "models/a_b",
        "models/ü",
        "models/a@",
        "models/a@b@c",
        "models/@b",
        "models/a b",
        "models/a\n",
        "models/a\u0000",
        "tenants/models/a"
      })
  void refusesWhatIsNoName(String name) {
    assertThat(ModelName.parse(name)).isNull();
  }

  @Test
  void readsTheLongestAndRefusesLonger() {
    String longest = "a".repeat(63);

    assertThat(ModelName.parse("models/" + longest + "@" + longest)).isNotNull();
    assertThat(ModelName.parse("models/" + longest + "a")).isNull();
    assertThat(ModelName.parse("models/" + longest + "@" + longest + "a")).isNull();
    assertThat(ModelName.parse("models/" + "a".repeat(10_000_000))).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"models/smollm2", "models/story@kids"})
  void writesWhatItRead(String name) {
    assertThat(ModelName.parse(name)).hasToString(name);
  }
}
