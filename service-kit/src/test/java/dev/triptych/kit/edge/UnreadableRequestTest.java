package dev.triptych.kit.edge;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.UnknownFieldSet;
import dev.triptych.kit.failure.Failure;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Messages of any type do; those that describe Protobuf itself are nested and at hand. */
class UnreadableRequestTest {

  private static final ByteString BAD = ByteString.copyFrom(new byte[] {(byte) 0xc3, '('});
  private static final int NAME = FileDescriptorProto.NAME_FIELD_NUMBER;
  private static final int DEPENDENCY = FileDescriptorProto.DEPENDENCY_FIELD_NUMBER;
  private static final int MESSAGE_TYPE = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER;
  private static final int OPTIONS = FileDescriptorProto.OPTIONS_FIELD_NUMBER;

  static Stream<Arguments> texts() {
    ByteString good = ByteString.copyFromUtf8("grün");
    return Stream.of(
        Arguments.of("name", message(NAME, BAD)),
        Arguments.of("dependency[2]", message(DEPENDENCY, good, good, BAD)),
        Arguments.of("options.java_package", message(OPTIONS, message(1, BAD))),
        Arguments.of(
            "message_type[1].field[0].name",
            message(
                MESSAGE_TYPE,
                message(1, good),
                message(2, message(FieldDescriptorProto.NAME_FIELD_NUMBER, BAD)))));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void namesTheTextThatIsNotUtf8(String field, ByteString request) {
    assertThat(field(request)).isEqualTo(field);
  }

  @Test
  void whatIsNoMessageIsTheWholeRequestsFault() {
    assertThat(field(ByteString.copyFrom(new byte[] {(byte) 0xff, (byte) 0xff})))
        .isEqualTo("request");
    assertThat(field(message(MESSAGE_TYPE, BAD))).isEqualTo("request");
    assertThat(field(ByteString.EMPTY)).isEqualTo("request");
  }

  @Test
  void fieldsThatNobodyKnowsAreNotLookedAt() {
    assertThat(field(message(999, BAD))).isEqualTo("request");
  }

  @Test
  @Timeout(20)
  void aRequestThatIsNestedWithoutEndIsGivenUp() {
    // DescriptorProto.nested_type, again and again.
    ByteString nested = message(1, BAD);
    for (int i = 0; i < 10_000; i++) {
      nested = message(3, nested);
    }

    assertThat(field(message(MESSAGE_TYPE, nested))).isEqualTo("request");
  }

  private static String field(ByteString request) {
    Failure failure =
        UnreadableRequest.explain(FileDescriptorProto.getDescriptor(), request.toByteArray());
    return ((Failure.InvalidRequest) failure).violations().getFirst().field();
  }

  private static ByteString message(int number, ByteString... values) {
    UnknownFieldSet.Field.Builder field = UnknownFieldSet.Field.newBuilder();
    for (ByteString value : values) {
      field.addLengthDelimited(value);
    }
    return UnknownFieldSet.newBuilder().addField(number, field.build()).build().toByteString();
  }
}
