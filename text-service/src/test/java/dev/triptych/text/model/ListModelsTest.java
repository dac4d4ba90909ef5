package dev.triptych.text.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.triptych.kit.failure.Failure;
import dev.triptych.text.v1.ListModelsRequest;
import dev.triptych.text.v1.ListModelsResponse;
import dev.triptych.text.v1.Model;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ListModelsTest {

  private DeclaredModels declared;
  private ListModels list;

  @BeforeAll
  void declare() {
    Map<String, String> more = new HashMap<>();
    for (String name : List.of("b", "a", "d", "c")) {
      more.put(name + ".dialect", "tensorrtllm");
      more.put(name + ".triton-model", "ensemble");
      more.put(name + ".limits.context-window-tokens", "8192");
    }
    more.put("story.display-name", "Story");
    more.put("story.description", "Tells stories.");
    declared = DeclaredModels.with(more);
    list = new ListModels(declared.models());
  }

  @AfterAll
  void close() {
    declared.close();
  }

  @Test
  void listsAllInTheOrderOfTheirNames() {
    ListModelsResponse response = list.list(ListModelsRequest.getDefaultInstance());

    assertThat(names(response))
        .containsExactly(
            "models/a", "models/b", "models/c", "models/d", "models/story", "models/vectors");
    assertThat(response.getNextPageToken()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 6, 7, 1000})
  void pagesTellEachModelOnce(int size) {
    List<String> seen = new ArrayList<>();
    String token = "";
    int pages = 0;
    do {
      ListModelsResponse page =
          list.list(ListModelsRequest.newBuilder().setPageSize(size).setPageToken(token).build());
      assertThat(page.getModelsCount()).isBetween(1, size);
      seen.addAll(names(page));
      token = page.getNextPageToken();
      pages++;
    } while (!token.isEmpty());

    assertThat(seen)
        .containsExactlyElementsOf(names(list.list(ListModelsRequest.getDefaultInstance())));
    assertThat(pages).isEqualTo((6 + size - 1) / size);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE, 1001, Integer.MAX_VALUE})
  void refusesImpossiblePageSizes(int size) {
    assertThat(invalidField(ListModelsRequest.newBuilder().setPageSize(size).build()))
        .isEqualTo("page_size");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "2", "!!!", "bW9kZWxz", "\u0000", "YWZ0ZXI"})
  void refusesTokensThatItDidNotGive(String token) {
    assertThat(invalidField(ListModelsRequest.newBuilder().setPageToken(token).build()))
        .isEqualTo("page_token");
  }

  @Test
  void describesAModelThatGenerates() {
    Model model = list.get("models/story");

    assertThat(model.getDisplayName()).isEqualTo("Story");
    assertThat(model.getDescription()).isEqualTo("Tells stories.");
    assertThat(model.getCapabilitiesList())
        .containsExactly(
            Model.Capability.CAPABILITY_GENERATE,
            Model.Capability.CAPABILITY_STRUCTURED_OUTPUT,
            Model.Capability.CAPABILITY_LOGPROBS);
    assertThat(model.getContextWindowTokens()).isEqualTo(2048);
    assertThat(model.getMaxOutputTokens()).isEqualTo(1024);
    assertThat(model.getMaxInputBytes()).isEqualTo(65536);
    assertThat(model.getEmbeddingDimensions()).isZero();
    assertThat(model.getVariantsList())
        .extracting(v -> v.getName() + "|" + v.getDescription())
        .containsExactly("models/story@kids|For children.", "models/story@tuned|");
  }

  @Test
  void describesAModelThatEmbeds() {
    Model model = list.get("models/vectors");

    assertThat(model.getDisplayName()).isEqualTo("vectors");
    assertThat(model.getCapabilitiesList()).containsExactly(Model.Capability.CAPABILITY_EMBED);
    assertThat(model.getEmbeddingDimensions()).isEqualTo(384);
    assertThat(model.getMaxOutputTokens()).isZero();
  }

  @Test
  void claimsOnlyWhatTheBackendCanDo() {
    assertThat(list.get("models/a").getCapabilitiesList())
        .containsExactly(Model.Capability.CAPABILITY_GENERATE);
  }

  private static List<String> names(ListModelsResponse response) {
    return response.getModelsList().stream().map(Model::getName).toList();
  }

  private String invalidField(ListModelsRequest request) {
    return catchThrowableOfType(Failure.InvalidRequest.class, () -> list.list(request))
        .violations()
        .getFirst()
        .field();
  }
}
