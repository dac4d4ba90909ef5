package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.Checks;
import dev.triptych.kit.failure.Failure;
import dev.triptych.text.model.DialectName;
import dev.triptych.text.model.TextConfig;
import dev.triptych.text.model.TextModels;
import dev.triptych.text.v1.Conversation;
import dev.triptych.text.v1.CountTokensRequest;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerationControls;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Requests, checked and put over the model's defaults. All that is wrong is told at once. */
@Singleton
final class GenerationMapper {

  private final TextModels models;
  private final PromptMapper prompts;
  private final ControlsMapper controls;

  @Inject
  GenerationMapper(TextModels models, PromptMapper prompts, ControlsMapper controls) {
    this.models = models;
    this.prompts = prompts;
    this.controls = controls;
  }

  Generation toDomain(GenerateTextRequest request, String requestId) {
    TextModels.Selected selected = models.forGeneration(request.getModel());
    Checks checks = new Checks();
    Input input =
        switch (request.getInputCase()) {
          case PROMPT -> new Input("prompt", request.getPromptBytes(), null);
          case CONVERSATION ->
              new Input("conversation", ByteString.EMPTY, request.getConversation());
          case RAW_PROMPT -> new Input("raw_prompt", request.getRawPromptBytes(), null);
          case INPUT_NOT_SET -> Input.NONE;
        };
    return map(selected, input, request.getControls(), checks, requestId);
  }

  Generation toDomain(CountTokensRequest request, String requestId) {
    TextModels.Selected selected = models.forGeneration(request.getModel());
    if (selected.model().config().dialect() == DialectName.TENSORRTLLM) {
      throw new Failure.InvalidRequest(
          "model", selected.resource() + " runs on a backend that does not count tokens");
    }
    Checks checks = new Checks();
    Input input =
        switch (request.getInputCase()) {
          case PROMPT -> new Input("prompt", request.getPromptBytes(), null);
          case CONVERSATION ->
              new Input("conversation", ByteString.EMPTY, request.getConversation());
          case RAW_PROMPT -> new Input("raw_prompt", request.getRawPromptBytes(), null);
          case INPUT_NOT_SET -> Input.NONE;
        };
    return map(selected, input, GenerationControls.getDefaultInstance(), checks, requestId);
  }

  private Generation map(
      TextModels.Selected selected,
      Input input,
      GenerationControls asked,
      Checks checks,
      String requestId) {
    TextConfig.Model config = selected.model().config();
    ByteString prompt = prompts.prompt(input, selected.model(), checks);
    Controls complete = controls.toDomain(asked, config, checks);
    checks.throwIfViolated();
    return new Generation(selected, prompt, complete, input.field(), requestId);
  }

  /**
   * What to write about.
   *
   * @param field the field that was set
   * @param text the text, unless it is a conversation
   */
  record Input(
      String field, ByteString text, @org.jspecify.annotations.Nullable Conversation conversation) {

    static final Input NONE = new Input("", ByteString.EMPTY, null);
  }
}
