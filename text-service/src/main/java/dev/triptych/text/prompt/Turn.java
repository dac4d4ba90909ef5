package dev.triptych.text.prompt;

/** One turn of a conversation. */
public record Turn(Speaker speaker, String text) {

  /** Who speaks. */
  public enum Speaker {
    SYSTEM,
    USER,
    ASSISTANT
  }
}
