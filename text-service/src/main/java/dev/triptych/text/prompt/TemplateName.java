package dev.triptych.text.prompt;

/** The prompt templates that models were trained on. */
public enum TemplateName {
  /** The text of the messages, one a paragraph. */
  PLAIN,
  /** ChatML: Qwen, SmolLM2, Yi and many more. */
  CHATML,
  /** Llama 3 and later. */
  LLAMA3,
  /** Gemma, which knows no system messages: they go in front of the first user message. */
  GEMMA,
  /** Mistral Instruct; system messages go in front of the first user message. */
  MISTRAL
}
