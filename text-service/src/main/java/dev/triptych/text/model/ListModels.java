package dev.triptych.text.model;

import dev.triptych.kit.failure.Checks;
import dev.triptych.kit.failure.Failure;
import dev.triptych.text.v1.ListModelsRequest;
import dev.triptych.text.v1.ListModelsResponse;
import dev.triptych.text.v1.Model;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.TreeMap;

/** Lists and describes the declared models. */
@Singleton
public final class ListModels {

  private static final int USUAL_PAGE = 100;
  private static final int LARGEST_PAGE = 1000;

  private final TextModels models;

  @Inject
  ListModels(TextModels models) {
    this.models = models;
  }

  /** One page of models, in the order of their names. */
  public ListModelsResponse list(ListModelsRequest request) {
    Checks checks = new Checks();
    checks.range(request.getPageSize(), 0, LARGEST_PAGE, "page_size");
    checks.throwIfViolated();
    int size = request.getPageSize() == 0 ? USUAL_PAGE : request.getPageSize();
    String after = decode(request.getPageToken());
    List<TextModel> rest = new ArrayList<>();
    for (TextModel model : models.all()) {
      if (model.name().compareTo(after) > 0) {
        rest.add(model);
      }
    }
    ListModelsResponse.Builder response = ListModelsResponse.newBuilder();
    rest.stream().limit(size).map(ListModels::describe).forEach(response::addModels);
    if (rest.size() > size) {
      response.setNextPageToken(encode(rest.get(size - 1).name()));
    }
    return response.build();
  }

  /** The model of that resource name. */
  public Model get(String name) {
    return describe(models.byName(name));
  }

  /**
   * A page token holds the last name of its page, so that models that come and go do not shift the
   * pages.
   */
  private static String encode(String name) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(("after:" + name).getBytes(StandardCharsets.UTF_8));
  }

  private static String decode(String token) {
    if (token.isEmpty()) {
      return "";
    }
    try {
      String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
      if (text.startsWith("after:")) {
        return text.substring("after:".length());
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new Failure.InvalidRequest("page_token", "is not a token that we gave");
  }

  private static Model describe(TextModel model) {
    TextConfig.Model config = model.config();
    TextConfig.Limits limits = config.limits();
    Model.Builder described =
        Model.newBuilder()
            .setName(model.resource())
            .setDisplayName(config.displayName().orElse(model.name()))
            .setDescription(config.description().orElse(""))
            .setState(
                model.main().isReady() ? Model.State.STATE_READY : Model.State.STATE_UNAVAILABLE)
            .setContextWindowTokens(limits.contextWindowTokens())
            .setMaxInputBytes(limits.maxInputBytes());
    if (model.embeds()) {
      described
          .addCapabilities(Model.Capability.CAPABILITY_EMBED)
          .setEmbeddingDimensions(config.embeddingDimensions());
    } else {
      described
          .addCapabilities(Model.Capability.CAPABILITY_GENERATE)
          .setMaxOutputTokens(limits.maxOutputTokens());
      boolean whole = config.dialect() == DialectName.VLLM;
      if (config.structuredOutput() && whole) {
        described.addCapabilities(Model.Capability.CAPABILITY_STRUCTURED_OUTPUT);
      }
      if (config.logprobs() && whole) {
        described.addCapabilities(Model.Capability.CAPABILITY_LOGPROBS);
      }
    }
    new TreeMap<>(config.variants())
        .forEach((name, variant) ->
            described.addVariants(
                Model.Variant.newBuilder()
                    .setName(new ModelName(model.name(), name).toString())
                    .setDescription(variant.description().orElse(""))));
    return described.build();
  }
}
