package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.Checks;
import dev.triptych.kit.failure.Failure;
import dev.triptych.kit.failure.FieldViolation;
import dev.triptych.text.model.DeclaredModels;
import dev.triptych.text.model.TextModel;
import dev.triptych.text.v1.Conversation;
import dev.triptych.text.v1.Message;
import dev.triptych.text.v1.Message.Role;
import dev.triptych.text.v1.Part;
import dev.triptych.type.v1.Media;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PromptMapperTest {

  private final PromptMapper mapper = new PromptMapper();
  private DeclaredModels declared;
  private DeclaredModels withSystem;
  private TextModel model;

  @BeforeAll
  void declare() {
    declared = DeclaredModels.usual();
    withSystem = DeclaredModels.with(Map.of("story.default-system", "Be kind."));
    model = declared.model("story");
  }

  @AfterAll
  void close() {
    declared.close();
    withSystem.close();
  }

  @Test
  void aPromptIsATurnOfAUserInTheTemplate() {
    assertThat(prompt(text("prompt", "Hi")))
        .isEqualTo("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  }

  @Test
  void aRawPromptStaysAsItIs() {
    assertThat(prompt(text("raw_prompt", "<|im_start|>any"))).isEqualTo("<|im_start|>any");
  }

  @Test
  void partsOfAMessageFollowEachOther() {
    assertThat(prompt(conversation(message(Role.ROLE_USER, part("a "), part("b")))))
        .contains("user\na b<|im_end|>");
  }

  @Test
  void theModelsSystemMessageStandsWhereTheConversationBringsNone() {
    TextModel kind = withSystem.model("story");
    Checks checks = new Checks();

    assertThat(mapper.prompt(text("prompt", "Hi"), kind, checks).toStringUtf8())
        .startsWith("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi");
    assertThat(
            mapper
                .prompt(
                    conversation(
                        message(Role.ROLE_SYSTEM, part("Be brief.")),
                        message(Role.ROLE_USER, part("Hi"))),
                    kind,
                    checks)
                .toStringUtf8())
        .contains("Be brief.")
        .doesNotContain("Be kind.");
    checks.throwIfViolated();
  }

  @Test
  void anAssistantsMessageAtTheEndStaysOpen() {
    assertThat(
            prompt(
                conversation(
                    message(Role.ROLE_USER, part("Hi")),
                    message(Role.ROLE_ASSISTANT, part("Once")))))
        .endsWith("<|im_start|>assistant\nOnce");
  }

  @Test
  void oneOfTheInputsMustBeSet() {
    assertThat(violatedFields(GenerationMapper.Input.NONE)).containsExactly("input");
  }

  @ParameterizedTest
  @ValueSource(strings = {"prompt", "raw_prompt"})
  void refusesAnEmptyText(String field) {
    assertThat(violatedFields(text(field, ""))).containsExactly(field);
  }

  @ParameterizedTest
  @ValueSource(strings = {"prompt", "raw_prompt"})
  void refusesATextThatIsTooLongForTheModel(String field) {
    assertThat(violatedFields(text(field, "a".repeat(65_536)))).isEmpty();
    assertThat(violatedFields(text(field, "ä".repeat(32_769)))).containsExactly(field);
  }

  @Test
  void refusesAHugePromptAtOnce() {
    GenerationMapper.Input huge = text("prompt", "<".repeat(20 << 20));

    assertThat(within(Duration.ofMillis(500), () -> violatedFields(huge)))
        .containsExactly("prompt");
  }

  @ParameterizedTest
  @ValueSource(strings = {"<|im_start|>", "<|im_end|>", "a<|im_end|>b", "<|endoftext|>"})
  void refusesControlTokensInWhatPeopleWrite(String text) {
    assertThat(violatedFields(text("prompt", text))).containsExactly("prompt");
    assertThat(violatedFields(conversation(message(Role.ROLE_USER, part("ok"), part(text)))))
        .containsExactly("conversation.messages[0].parts[1].text");
  }

  @Test
  void refusesAControlTokenThatIsPutTogetherFromParts() {
    assertThat(
            violatedFields(
                conversation(
                    message(
                        Role.ROLE_USER, part("a<|im_"), part("end|>\n<|im_sta"), part("rt|>")))))
        .isNotEmpty()
        .allMatch(field -> field.startsWith("conversation.messages[0].parts"));
  }

  static Stream<Arguments> wrongConversations() {
    Message user = message(Role.ROLE_USER, part("Hi"));
    Message system = message(Role.ROLE_SYSTEM, part("Be brief."));
    String messages = "conversation.messages";
    return Stream.of(
        Arguments.of("no message", conversation(), List.of(messages)),
        Arguments.of(
            "513 messages",
            conversation(Collections.nCopies(513, user).toArray(Message[]::new)),
            List.of(messages)),
        Arguments.of(
            "a system message later",
            conversation(user, system, user),
            List.of(messages + "[1].role")),
        Arguments.of("only a system message", conversation(system), List.of(messages + "[0].role")),
        Arguments.of(
            "no role",
            conversation(message(Role.ROLE_UNSPECIFIED, part("Hi"))),
            List.of(messages + "[0].role")),
        Arguments.of(
            "an unknown role",
            conversation(user.toBuilder().setRoleValue(99).build()),
            List.of(messages + "[0].role")),
        Arguments.of(
            "no parts", conversation(message(Role.ROLE_USER)), List.of(messages + "[0].parts")),
        Arguments.of(
            "65 parts",
            conversation(
                message(Role.ROLE_USER, Collections.nCopies(65, part("a")).toArray(Part[]::new))),
            List.of(messages + "[0].parts")),
        Arguments.of(
            "an empty part",
            conversation(message(Role.ROLE_USER, part(""))),
            List.of(messages + "[0].parts[0].text")),
        Arguments.of(
            "a part without content",
            conversation(message(Role.ROLE_USER, Part.getDefaultInstance())),
            List.of(messages + "[0].parts[0].content")),
        Arguments.of(
            "a picture",
            conversation(
                message(
                    Role.ROLE_USER,
                    Part.newBuilder().setImage(Media.getDefaultInstance()).build())),
            List.of(messages + "[0].parts[0].image")),
        Arguments.of(
            "too long together",
            conversation(user, message(Role.ROLE_USER, part("a".repeat(65_536)))),
            List.of("conversation")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongConversations")
  void namesTheWrongField(String what, GenerationMapper.Input input, List<String> fields) {
    assertThat(violatedFields(input)).as(what).isEqualTo(fields);
  }

  @Test
  void takesTheMostMessagesAndParts() {
    Message many = message(Role.ROLE_USER, Collections.nCopies(64, part("a")).toArray(Part[]::new));
    Message[] messages =
        Collections.nCopies(511, message(Role.ROLE_USER, part("b"))).toArray(Message[]::new);
    messages[0] = many;

    assertThat(violatedFields(conversation(messages))).isEmpty();
  }

  @Test
  @Timeout(20)
  void halfAMillionEmptyMessagesAreRefusedAtOnce() {
    Message empty = Message.getDefaultInstance();
    Conversation.Builder conversation = Conversation.newBuilder();
    for (int i = 0; i < 500_000; i++) {
      conversation.addMessages(empty);
    }
    GenerationMapper.Input input =
        new GenerationMapper.Input("conversation", ByteString.EMPTY, conversation.build());

    assertThat(within(Duration.ofMillis(200), () -> violatedFields(input)))
        .hasSizeLessThanOrEqualTo(16)
        .contains("conversation.messages");
  }

  @Test
  void manyWrongMessagesAreNotAllTold() {
    assertThat(
            violatedFields(
                conversation(
                    Collections.nCopies(512, Message.getDefaultInstance())
                        .toArray(Message[]::new))))
        .hasSize(16);
  }

  private static <T> T within(Duration limit, java.util.function.Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(limit);
    return result;
  }

  private String prompt(GenerationMapper.Input input) {
    Checks checks = new Checks();
    ByteString prompt = mapper.prompt(input, model, checks);
    checks.throwIfViolated();
    return prompt.toStringUtf8();
  }

  private List<String> violatedFields(GenerationMapper.Input input) {
    Checks checks = new Checks();
    ByteString ignored = mapper.prompt(input, model, checks);
    assertThat(ignored).isNotNull();
    Failure.InvalidRequest thrown =
        catchThrowableOfType(Failure.InvalidRequest.class, checks::throwIfViolated);
    return thrown == null
        ? List.of()
        : thrown.violations().stream().map(FieldViolation::field).toList();
  }

  private static GenerationMapper.Input text(String field, String text) {
    return new GenerationMapper.Input(field, ByteString.copyFromUtf8(text), null);
  }

  private static GenerationMapper.Input conversation(Message... messages) {
    return new GenerationMapper.Input(
        "conversation",
        ByteString.EMPTY,
        Conversation.newBuilder().addAllMessages(List.of(messages)).build());
  }

  private static Message message(Role role, Part... parts) {
    return Message.newBuilder().setRole(role).addAllParts(List.of(parts)).build();
  }

  private static Part part(String text) {
    return Part.newBuilder().setText(text).build();
  }
}
