package dev.triptych.text.prompt;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PromptTemplateTest {

  private static final Turn SYSTEM = new Turn(Turn.Speaker.SYSTEM, "Be brief.");
  private static final Turn HELLO = new Turn(Turn.Speaker.USER, "Hello");
  private static final Turn HI = new Turn(Turn.Speaker.ASSISTANT, "Hi!");
  private static final Turn MORE = new Turn(Turn.Speaker.USER, "More");
  private static final Turn OPEN = new Turn(Turn.Speaker.ASSISTANT, "Once upon");

  @Test
  void chatml() {
    assertThat(render(TemplateName.CHATML, SYSTEM, HELLO, HI, MORE))
        .isEqualTo(
            """
            <|im_start|>system
            Be brief.<|im_end|>
            <|im_start|>user
            Hello<|im_end|>
            <|im_start|>assistant
            Hi!<|im_end|>
            <|im_start|>user
            More<|im_end|>
            <|im_start|>assistant
            """);
  }

  @Test
  void llama3() {
    assertThat(render(TemplateName.LLAMA3, SYSTEM, HELLO, HI, MORE))
        .isEqualTo(
            """
            <|begin_of_text|><|start_header_id|>system<|end_header_id|>

            Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>

            Hello<|eot_id|><|start_header_id|>assistant<|end_header_id|>

            Hi!<|eot_id|><|start_header_id|>user<|end_header_id|>

            More<|eot_id|><|start_header_id|>assistant<|end_header_id|>

            """);
  }

  @Test
  void gemmaPutsTheSystemMessageInFrontOfTheFirstUserMessage() {
    assertThat(render(TemplateName.GEMMA, SYSTEM, HELLO, HI, MORE))
        .isEqualTo(
            """
            <bos><start_of_turn>user
            Be brief.

            Hello<end_of_turn>
            <start_of_turn>model
            Hi!<end_of_turn>
            <start_of_turn>user
            More<end_of_turn>
            <start_of_turn>model
            """);
  }

  @Test
  void mistralPutsTheSystemMessageInFrontOfTheFirstUserMessage() {
    assertThat(render(TemplateName.MISTRAL, SYSTEM, HELLO, HI, MORE))
        .isEqualTo("<s>[INST] Be brief.\n\nHello [/INST]Hi!</s>[INST] More [/INST]");
  }

  @Test
  void plainPutsOneMessageAParagraph() {
    assertThat(render(TemplateName.PLAIN, SYSTEM, HELLO, HI, MORE))
        .isEqualTo("Be brief.\n\nHello\n\nHi!\n\nMore\n\n");
  }

  @Test
  void anAssistantTurnAtTheEndStaysOpenInAllTemplates() {
    assertThat(render(TemplateName.CHATML, HELLO, OPEN))
        .isEqualTo("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nOnce upon");
    assertThat(render(TemplateName.LLAMA3, HELLO, OPEN))
        .endsWith("<|start_header_id|>assistant<|end_header_id|>\n\nOnce upon");
    assertThat(render(TemplateName.GEMMA, HELLO, OPEN))
        .endsWith("<end_of_turn>\n<start_of_turn>model\nOnce upon");
    assertThat(render(TemplateName.MISTRAL, HELLO, OPEN))
        .isEqualTo("<s>[INST] Hello [/INST]Once upon");
    assertThat(render(TemplateName.PLAIN, HELLO, OPEN)).isEqualTo("Hello\n\nOnce upon");
  }

  @ParameterizedTest
  @EnumSource(TemplateName.class)
  void eachTextStandsInThePromptOnceAndInOrder(TemplateName name) {
    String prompt = render(name, SYSTEM, HELLO, HI, MORE);

    assertThat(prompt).containsSubsequence("Be brief.", "Hello", "Hi!", "More");
    for (Turn turn : List.of(SYSTEM, HELLO, HI, MORE)) {
      assertThat(prompt.split(java.util.regex.Pattern.quote(turn.text()), -1)).hasSize(2);
    }
  }

  @ParameterizedTest
  @EnumSource(TemplateName.class)
  void aSystemMessageIsNeverLost(TemplateName name) {
    assertThat(render(name, SYSTEM, OPEN)).contains("Be brief.").endsWith("Once upon");
  }

  @ParameterizedTest
  @EnumSource(TemplateName.class)
  void whatStandsAroundTurnsIsForbiddenWithinThem(TemplateName name) {
    PromptTemplate template = PromptTemplate.of(name);

    for (String around :
        List.of(
            template.begin(),
            template.beforeSystem(),
            template.afterSystem(),
            template.beforeUser(),
            template.afterUser(),
            template.beforeAssistant(),
            template.afterAssistant())) {
      if (!around.isBlank()) {
        assertThat(template.controlTokenIn("a" + around + "b")).isNotEmpty();
      }
    }
    assertThat(template.controlTokenIn("An ordinary text with < and > and |.")).isEmpty();
  }

  private static String render(TemplateName name, Turn... turns) {
    return PromptTemplate.of(name).render(List.of(turns));
  }
}
