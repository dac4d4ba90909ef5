package dev.triptych.text.prompt;

import java.util.List;

/**
 * How a model's prompts are put together: what stands before and after each turn. Publicly
 * documented formats of the model families.
 *
 * @param begin what every prompt begins with
 * @param beforeSystem what stands before a system message; the empty string where the model knows
 *     none
 * @param controlTokens texts that act on the model and so may not occur in what people write
 * @param systemInUser whether system messages go in front of the first user message
 */
public record PromptTemplate(
    String begin,
    String beforeSystem,
    String afterSystem,
    String beforeUser,
    String afterUser,
    String beforeAssistant,
    String afterAssistant,
    List<String> controlTokens,
    boolean systemInUser) {

  /** The template of that name. */
  public static PromptTemplate of(TemplateName name) {
    return switch (name) {
      case PLAIN -> new PromptTemplate("", "", "\n\n", "", "\n\n", "", "\n\n", List.of(), false);
      case CHATML ->
          new PromptTemplate(
              "",
              "<|im_start|>system\n",
              "<|im_end|>\n",
              "<|im_start|>user\n",
              "<|im_end|>\n",
              "<|im_start|>assistant\n",
              "<|im_end|>\n",
              List.of("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
              false);
      case LLAMA3 ->
          new PromptTemplate(
              "<|begin_of_text|>",
              "<|start_header_id|>system<|end_header_id|>\n\n",
              "<|eot_id|>",
              "<|start_header_id|>user<|end_header_id|>\n\n",
              "<|eot_id|>",
              "<|start_header_id|>assistant<|end_header_id|>\n\n",
              "<|eot_id|>",
              List.of(
                  "<|begin_of_text|>",
                  "<|end_of_text|>",
                  "<|start_header_id|>",
                  "<|end_header_id|>",
                  "<|eot_id|>",
                  "<|eom_id|>",
                  "<|python_tag|>"),
              false);
      case GEMMA ->
          new PromptTemplate(
              "<bos>",
              "",
              "\n\n",
              "<start_of_turn>user\n",
              "<end_of_turn>\n",
              "<start_of_turn>model\n",
              "<end_of_turn>\n",
              List.of("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
              true);
      case MISTRAL ->
          new PromptTemplate(
              "<s>",
              "",
              "\n\n",
              "[INST] ",
              " [/INST]",
              "",
              "</s>",
              List.of("<s>", "</s>", "[INST]", "[/INST]"),
              true);
    };
  }

  /** The control token that occurs in a text; empty: none does. */
  public String controlTokenIn(String text) {
    for (String token : controlTokens) {
      if (text.contains(token)) {
        return token;
      }
    }
    return "";
  }

  /**
   * The prompt of a conversation. An assistant's turn at its end stays open, so that the model
   * continues it.
   *
   * @param turns oldest first; a system turn only at the beginning
   */
  public String render(List<Turn> turns) {
    StringBuilder prompt = new StringBuilder(begin);
    String pendingSystem = "";
    for (int i = 0; i < turns.size(); i++) {
      Turn turn = turns.get(i);
      boolean last = i == turns.size() - 1;
      switch (turn.speaker()) {
        case SYSTEM -> {
          if (systemInUser) {
            pendingSystem = turn.text() + afterSystem;
          } else {
            prompt.append(beforeSystem).append(turn.text()).append(afterSystem);
          }
        }
        case USER -> {
          prompt.append(beforeUser).append(pendingSystem).append(turn.text()).append(afterUser);
          pendingSystem = "";
        }
        case ASSISTANT -> {
          if (!pendingSystem.isEmpty()) {
            prompt.append(beforeUser).append(pendingSystem).append(afterUser);
            pendingSystem = "";
          }
          prompt.append(beforeAssistant).append(turn.text());
          if (!last) {
            prompt.append(afterAssistant);
          }
        }
      }
    }
    if (turns.getLast().speaker() != Turn.Speaker.ASSISTANT) {
      prompt.append(beforeAssistant);
    }
    return prompt.toString();
  }
}
