package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.Checks;
import dev.triptych.text.model.TextModel;
import dev.triptych.text.prompt.PromptTemplate;
import dev.triptych.text.prompt.Turn;
import dev.triptych.text.v1.Conversation;
import dev.triptych.text.v1.Message;
import dev.triptych.text.v1.Part;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;

/** Inputs as the prompt that the model sees. */
@Singleton
final class PromptMapper {

  private static final int MOST_MESSAGES = 512;
  private static final int MOST_PARTS = 64;

  /** The prompt; empty where the checks were violated. */
  ByteString prompt(GenerationMapper.Input input, TextModel model, Checks checks) {
    Conversation conversation = input.conversation();
    if (input.field().isEmpty()) {
      checks.violated("input", "one of prompt, conversation and raw_prompt must be set");
      return ByteString.EMPTY;
    }
    if (conversation == null && input.text().isEmpty()) {
      checks.violated(input.field(), "must not be empty");
      return ByteString.EMPTY;
    }
    if (conversation == null && !fits(input.text().size(), input.field(), model, checks)) {
      return ByteString.EMPTY;
    }
    if (input.field().equals("raw_prompt")) {
      return input.text();
    }
    List<Turn> turns =
        conversation == null
            ? List.of(new Turn(Turn.Speaker.USER, input.text().toStringUtf8()))
            : turns(conversation, model, checks);
    return render(turns, input.field(), model, checks);
  }

  private static ByteString render(List<Turn> turns, String field, TextModel model, Checks checks) {
    PromptTemplate template = model.template();
    if (turns.isEmpty()) {
      return ByteString.EMPTY;
    }
    if (field.equals("prompt")) {
      requireNoControlToken(turns.getFirst().text(), field, template, checks);
    }
    String system = model.config().defaultSystem().orElse("");
    List<Turn> all = turns;
    if (turns.getFirst().speaker() != Turn.Speaker.SYSTEM && !system.isEmpty()) {
      all = new ArrayList<>(turns.size() + 1);
      all.add(new Turn(Turn.Speaker.SYSTEM, system));
      all.addAll(turns);
    }
    return ByteString.copyFromUtf8(template.render(all));
  }

  private static List<Turn> turns(Conversation conversation, TextModel model, Checks checks) {
    int count = conversation.getMessagesCount();
    if (count < 1 || count > MOST_MESSAGES) {
      checks.violated(
          "conversation.messages", "must be 1 to " + MOST_MESSAGES + " messages, but are " + count);
      return List.of();
    }
    if (!fits(conversation.getSerializedSize(), "conversation", model, checks)) {
      return List.of();
    }
    List<Turn> turns = new ArrayList<>(count);
    for (int i = 0; i < count && !checks.isFull(); i++) {
      Message message = conversation.getMessages(i);
      String field = "conversation.messages[" + i + "]";
      Turn.Speaker speaker = speaker(message.getRole(), i, field, checks);
      turns.add(new Turn(speaker, text(message, field, model, checks)));
    }
    if (turns.size() == count && turns.getLast().speaker() == Turn.Speaker.SYSTEM) {
      checks.violated(
          "conversation.messages[" + (count - 1) + "].role",
          "the last message must be a user's or an assistant's");
    }
    return turns;
  }

  private static Turn.Speaker speaker(Message.Role role, int index, String field, Checks checks) {
    return switch (role) {
      case ROLE_SYSTEM -> {
        checks.require(index == 0, field + ".role", "a system message may only come first");
        yield Turn.Speaker.SYSTEM;
      }
      case ROLE_USER -> Turn.Speaker.USER;
      case ROLE_ASSISTANT -> Turn.Speaker.ASSISTANT;
      case ROLE_UNSPECIFIED, UNRECOGNIZED -> {
        checks.violated(field + ".role", "must be ROLE_SYSTEM, ROLE_USER or ROLE_ASSISTANT");
        yield Turn.Speaker.USER;
      }
    };
  }

  private static String text(Message message, String field, TextModel model, Checks checks) {
    int count = message.getPartsCount();
    if (count < 1 || count > MOST_PARTS) {
      checks.violated(field + ".parts", "must be 1 to " + MOST_PARTS + " parts, but are " + count);
      return "";
    }
    StringBuilder text = new StringBuilder();
    boolean partsHoldOne = false;
    for (int i = 0; i < count && !checks.isFull(); i++) {
      Part part = message.getParts(i);
      String partField = field + ".parts[" + i + "]";
      switch (part.getContentCase()) {
        case TEXT -> {
          checks.require(!part.getText().isEmpty(), partField + ".text", "must not be empty");
          partsHoldOne |=
              requireNoControlToken(part.getText(), partField + ".text", model.template(), checks);
          text.append(part.getText());
        }
        case IMAGE ->
            checks.violated(partField + ".image", model.resource() + " takes no pictures");
        case CONTENT_NOT_SET ->
            checks.violated(partField + ".content", "one of text and image must be set");
      }
    }
    if (count > 1 && !partsHoldOne) {
      // One that is cut up among parts acts all the same.
      requireNoControlToken(text.toString(), field + ".parts", model.template(), checks);
    }
    return text.toString();
  }

  /** Whether there was one. */
  private static boolean requireNoControlToken(
      String text, String field, PromptTemplate template, Checks checks) {
    String token = template.controlTokenIn(text);
    checks.require(
        token.isEmpty(), field, "must not contain the model's control token \"" + token + "\"");
    return !token.isEmpty();
  }

  private static boolean fits(int bytes, String field, TextModel model, Checks checks) {
    int most = model.config().limits().maxInputBytes();
    checks.require(
        bytes <= most,
        field,
        "must be at most " + most + " bytes for " + model.resource() + ", but is " + bytes);
    return bytes <= most;
  }
}
