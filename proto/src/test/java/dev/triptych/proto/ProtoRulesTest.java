package dev.triptych.proto;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of the public protos: that ours keep them, and that what breaks one is reported. */
class ProtoRulesTest {
  private static final ProtoFiles COMPILED = ProtoFiles.compiled();

  /** Rules that hold for the description of Triton's protocol too. */
  private static final List<ProtoRule> FOR_ALL =
      List.of(
          new EverythingHasComment(),
          new PackageIsDirectory(),
          new JavaOptionsAreSet(),
          new NothingIsAny());

  /** Rules about names, which in Triton's protocol are Triton's. */
  private static final List<ProtoRule> FOR_API =
      List.of(
          new EnumZeroIsUnspecified(),
          new NumbersNameTheirUnit(),
          new RpcsNameTheirMessages(),
          new ListsPage());

  @Test
  void looksAtBothProtocols() {
    assertThat(COMPILED.files())
        .extracting(FileDescriptorProto::getPackage)
        .contains("triptych.text.v1", "triptych.type.v1", "inference");
    assertThat(COMPILED.api().elements()).hasSizeGreaterThan(100);
    assertThat(COMPILED.triton().elements()).hasSizeGreaterThan(100);
  }

  @ParameterizedTest
  @FieldSource("FOR_ALL")
  void everyFileKeeps(ProtoRule rule) {
    assertThat(rule.violations(COMPILED)).isEmpty();
  }

  @ParameterizedTest
  @FieldSource("FOR_API")
  void theApiKeeps(ProtoRule rule) {
    assertThat(rule.violations(COMPILED.api())).isEmpty();
  }

  @Test
  void everyUnitExceptionIsNeeded() {
    var needed =
        COMPILED
            .api()
            .elements(FieldDescriptorProto.class)
            .filter(field -> !NumbersNameTheirUnit.namesItsUnit(field))
            .map(ProtoElement::name)
            .collect(Collectors.toSet());

    assertThat(needed).containsAll(NumbersNameTheirUnit.EXCEPTIONS.keySet());
  }

  @Test
  void theSampleKeepsEveryRule() {
    ProtoFiles sample = SampleProto.good();

    assertThat(Stream.concat(FOR_ALL.stream(), FOR_API.stream()))
        .allSatisfy(rule -> assertThat(rule.violations(sample)).isEmpty());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("documented")
  void reportsMissingComment(SampleProto.Documented element) {
    ProtoFiles protos =
        SampleProto.broken(
            file -> comment(file, element).clearLeadingComments().setTrailingComments("After."));

    assertThat(new EverythingHasComment().violations(protos))
        .containsExactly(element + " has no comment before it");
  }

  @Test
  void reportsBlankComment() {
    ProtoFiles protos =
        SampleProto.broken(
            file -> comment(file, SampleProto.DOCUMENTED.getFirst()).setLeadingComments(" \n"));

    assertThat(new EverythingHasComment().violations(protos)).hasSize(1);
  }

  static List<SampleProto.Documented> documented() {
    return SampleProto.DOCUMENTED;
  }

  @ParameterizedTest
  @ValueSource(strings = {"UNSPECIFIED", "THINGKIND_UNSPECIFIED", "THING_KIND_NONE"})
  void reportsEnumZero(String zero) {
    ProtoFiles protos =
        SampleProto.broken(file -> file.getEnumTypeBuilder(0).getValueBuilder(0).setName(zero));

    assertThat(new EnumZeroIsUnspecified().violations(protos))
        .singleElement()
        .asString()
        .contains("ThingKind", "THING_KIND_UNSPECIFIED", zero);
  }

  @Test
  void reportsEnumWithoutZeroOrWithTwo() {
    ProtoFiles none =
        SampleProto.broken(file -> file.getEnumTypeBuilder(0).getValueBuilder(0).setNumber(1));
    ProtoFiles two =
        SampleProto.broken(file -> file.getEnumTypeBuilder(0).addValueBuilder().setName("OTHER"));

    assertThat(new EnumZeroIsUnspecified().violations(none)).hasSize(1);
    assertThat(new EnumZeroIsUnspecified().violations(two)).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"triptych.shop.v2", "triptych.shop", "triptych.v1", "shop.v1", "triptych.shop.v0"})
  void reportsPackageElsewhere(String name) {
    ProtoFiles protos = SampleProto.broken(file -> file.setPackage(name));

    assertThat(new PackageIsDirectory().violations(protos)).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"triptych.shop", "triptych.shop.v0", "triptych.shop.v1beta1", "shop.v1"})
  void reportsUnversionedPackage(String name) {
    ProtoFiles protos =
        SampleProto.broken(
            file -> file.setPackage(name).setName(name.replace('.', '/') + "/shop.proto"));

    assertThat(new PackageIsDirectory().violations(protos)).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource
  void reportsJavaOptions(Consumer<FileDescriptorProto.Builder> breaking) {
    assertThat(new JavaOptionsAreSet().violations(SampleProto.broken(breaking))).hasSize(1);
  }

  static Stream<Consumer<FileDescriptorProto.Builder>> reportsJavaOptions() {
    return Stream.of(
        FileDescriptorProto.Builder::clearOptions,
        file -> file.getOptionsBuilder().setJavaMultipleFiles(false),
        file -> file.getOptionsBuilder().clearJavaPackage(),
        file -> file.getOptionsBuilder().setJavaPackage("triptych.shop.v1"));
  }

  @ParameterizedTest
  @MethodSource
  void reportsAny(Consumer<FileDescriptorProto.Builder> breaking) {
    assertThat(new NothingIsAny().violations(SampleProto.broken(breaking))).hasSize(1);
  }

  static Stream<Consumer<FileDescriptorProto.Builder>> reportsAny() {
    String any = ".google.protobuf.Any";
    return Stream.of(
        file -> thing(file, 0).setType(FieldDescriptorProto.Type.TYPE_MESSAGE).setTypeName(any),
        file -> rpc(file, 0).setInputType(any),
        file -> rpc(file, 0).setOutputType(any));
  }

  @ParameterizedTest
  @MethodSource
  void reportsRpcName(Consumer<FileDescriptorProto.Builder> breaking) {
    assertThat(new RpcsNameTheirMessages().violations(SampleProto.broken(breaking))).hasSize(1);
  }

  static Stream<Consumer<FileDescriptorProto.Builder>> reportsRpcName() {
    return Stream.of(
        file -> rpc(file, 0).setInputType(".triptych.shop.v1.GetThingRequest"),
        file -> rpc(file, 0).setOutputType(".triptych.shop.v1.Thing"),
        file -> rpc(file, 0).setName("StreamListThings"),
        file -> rpc(file, 1).setOutputType(".triptych.shop.v1.GetThingResponse"));
  }

  @Test
  void allowsStreamToShareTheRequest() {
    ProtoFiles protos =
        SampleProto.broken(file ->
            rpc(file, 0)
                .setName("StreamListThings")
                .setServerStreaming(true)
                .setOutputType(".triptych.shop.v1.StreamListThingsResponse"));

    assertThat(new RpcsNameTheirMessages().violations(protos)).isEmpty();
  }

  @ParameterizedTest
  @MethodSource
  void reportsListThatDoesNotPage(Consumer<FileDescriptorProto.Builder> breaking) {
    assertThat(new ListsPage().violations(SampleProto.broken(breaking))).hasSize(1);
  }

  static Stream<Consumer<FileDescriptorProto.Builder>> reportsListThatDoesNotPage() {
    int request = SampleProto.LIST_REQUEST;
    int response = SampleProto.LIST_RESPONSE;
    return Stream.of(
        file -> rpc(file, 0).setInputType(".google.protobuf.Empty"),
        file -> file.getMessageTypeBuilder(request).getFieldBuilder(0).setName("size"),
        file ->
            file.getMessageTypeBuilder(request)
                .getFieldBuilder(0)
                .setType(FieldDescriptorProto.Type.TYPE_INT64),
        file -> file.getMessageTypeBuilder(request).removeField(1),
        file ->
            file.getMessageTypeBuilder(request)
                .getFieldBuilder(1)
                .setType(FieldDescriptorProto.Type.TYPE_BYTES),
        file -> file.getMessageTypeBuilder(response).removeField(1),
        file -> file.getMessageTypeBuilder(response).removeField(0),
        file ->
            file.getMessageTypeBuilder(response).getFieldBuilder(1).setLabel(Label.LABEL_REPEATED));
  }

  @ParameterizedTest
  @EnumSource(
      value = FieldDescriptorProto.Type.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"TYPE_BOOL", "TYPE_BYTES", "TYPE_ENUM", "TYPE_GROUP", "TYPE_MESSAGE", "TYPE_STRING"})
  void reportsNumberWithoutUnit(FieldDescriptorProto.Type type) {
    ProtoFiles protos = SampleProto.broken(file -> thing(file, 1).setName("timeout").setType(type));

    assertThat(new NumbersNameTheirUnit().violations(protos))
        .containsExactly("number triptych.shop.v1.Thing.timeout says no unit");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sample_rate_hz", "wait_millis", "max_byte", "bytes_size", "size"})
  void reportsOtherSpellingsAndPlaces(String name) {
    ProtoFiles protos = SampleProto.broken(file -> thing(file, 1).setName(name));

    assertThat(new NumbersNameTheirUnit().violations(protos))
        .singleElement()
        .asString()
        .startsWith("number triptych.shop.v1.Thing." + name + " says no unit");
  }

  @Test
  void hintsAtTheRightSpelling() {
    ProtoFiles protos = SampleProto.broken(file -> thing(file, 1).setName("sample_rate_hz"));

    assertThat(new NumbersNameTheirUnit().violations(protos))
        .containsExactly("number triptych.shop.v1.Thing.sample_rate_hz says no unit: write _hertz");
  }

  private static FieldDescriptorProto.Builder thing(FileDescriptorProto.Builder file, int field) {
    return file.getMessageTypeBuilder(SampleProto.THING).getFieldBuilder(field);
  }

  private static MethodDescriptorProto.Builder rpc(FileDescriptorProto.Builder file, int index) {
    return file.getServiceBuilder(0).getMethodBuilder(index);
  }

  private static Location.Builder comment(
      FileDescriptorProto.Builder file, SampleProto.Documented element) {
    return file.getSourceCodeInfoBuilder()
        .getLocationBuilder(SampleProto.DOCUMENTED.indexOf(element));
  }
}
