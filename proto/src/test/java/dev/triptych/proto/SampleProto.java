package dev.triptych.proto;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A small file that keeps every rule and holds every kind of element, for tests that break it:
 *
 * <pre>
 * service ShopService {
 *   rpc ListThings(ListThingsRequest) returns (ListThingsResponse);
 *   rpc GetThing(GetThingRequest) returns (Thing);
 * }
 * message ListThingsRequest { int32 page_size = 1; string page_token = 2; }
 * message ListThingsResponse { repeated Thing things = 1; string next_page_token = 2; }
 * message GetThingRequest { string name = 1; }
 * message Thing {
 *   message Part { int64 size_bytes = 1; }
 *   enum State { STATE_UNSPECIFIED = 0; }
 *   oneof source { string uri = 1; }
 *   optional int32 width_px = 2;
 *   map&lt;string, string&gt; labels = 3;
 * }
 * enum ThingKind { THING_KIND_UNSPECIFIED = 0; }
 * </pre>
 */
final class SampleProto {
  static final int LIST_REQUEST = 0;
  static final int LIST_RESPONSE = 1;
  static final int THING = 3;

  /** Path of each element in the descriptor, and its name; written by hand on purpose. */
  static final List<Documented> DOCUMENTED =
      List.of(
          new Documented("service triptych.shop.v1.ShopService", 6, 0),
          new Documented("rpc triptych.shop.v1.ShopService.ListThings", 6, 0, 2, 0),
          new Documented("rpc triptych.shop.v1.ShopService.GetThing", 6, 0, 2, 1),
          new Documented("message triptych.shop.v1.ListThingsRequest", 4, 0),
          new Documented("field triptych.shop.v1.ListThingsRequest.page_size", 4, 0, 2, 0),
          new Documented("field triptych.shop.v1.ListThingsRequest.page_token", 4, 0, 2, 1),
          new Documented("message triptych.shop.v1.ListThingsResponse", 4, 1),
          new Documented("field triptych.shop.v1.ListThingsResponse.things", 4, 1, 2, 0),
          new Documented("field triptych.shop.v1.ListThingsResponse.next_page_token", 4, 1, 2, 1),
          new Documented("message triptych.shop.v1.GetThingRequest", 4, 2),
          new Documented("field triptych.shop.v1.GetThingRequest.name", 4, 2, 2, 0),
          new Documented("message triptych.shop.v1.Thing", 4, 3),
          new Documented("field triptych.shop.v1.Thing.uri", 4, 3, 2, 0),
          new Documented("field triptych.shop.v1.Thing.width_px", 4, 3, 2, 1),
          new Documented("field triptych.shop.v1.Thing.labels", 4, 3, 2, 2),
          new Documented("oneof triptych.shop.v1.Thing.source", 4, 3, 8, 0),
          new Documented("message triptych.shop.v1.Thing.Part", 4, 3, 3, 0),
          new Documented("field triptych.shop.v1.Thing.Part.size_bytes", 4, 3, 3, 0, 2, 0),
          new Documented("enum triptych.shop.v1.Thing.State", 4, 3, 4, 0),
          new Documented(
              "enum value triptych.shop.v1.Thing.State.STATE_UNSPECIFIED", 4, 3, 4, 0, 2, 0),
          new Documented("enum triptych.shop.v1.ThingKind", 5, 0),
          new Documented(
              "enum value triptych.shop.v1.ThingKind.THING_KIND_UNSPECIFIED", 5, 0, 2, 0));

  private SampleProto() {}

  /** An element of the sample: its kind and name, and where it stands. */
  record Documented(String element, List<Integer> path) {
    Documented(String element, int... path) {
      this(element, IntStream.of(path).boxed().toList());
    }

    @Override
    public String toString() {
      return element;
    }
  }

  /** The file as it is. */
  static ProtoFiles good() {
    return broken(_ -> {});
  }

  /** The file after something was done to it. */
  static ProtoFiles broken(Consumer<FileDescriptorProto.Builder> breaking) {
    FileDescriptorProto.Builder file = FileDescriptorProto.newBuilder();
    file.setName("triptych/shop/v1/shop.proto").setPackage("triptych.shop.v1");
    file.getOptionsBuilder().setJavaMultipleFiles(true).setJavaPackage("dev.triptych.shop.v1");
    file.addService(service());
    file.addMessageType(
        message(
            "ListThingsRequest",
            number(FieldDescriptorProto.Type.TYPE_INT32, "page_size"),
            text("page_token")));
    file.addMessageType(message("ListThingsResponse", things(), text("next_page_token")));
    file.addMessageType(message("GetThingRequest", text("name")));
    file.addMessageType(thing());
    file.addEnumType(enumeration("ThingKind", "THING_KIND_UNSPECIFIED"));
    DOCUMENTED.forEach(documented ->
        file.getSourceCodeInfoBuilder()
            .addLocationBuilder()
            .addAllPath(documented.path())
            .setLeadingComments(" What it is.\n"));
    breaking.accept(file);
    return ProtoFiles.of(file.build());
  }

  static FieldDescriptorProto.Builder number(FieldDescriptorProto.Type type, String name) {
    return FieldDescriptorProto.newBuilder()
        .setName(name)
        .setType(type)
        .setLabel(Label.LABEL_OPTIONAL);
  }

  static FieldDescriptorProto.Builder text(String name) {
    return number(FieldDescriptorProto.Type.TYPE_STRING, name);
  }

  private static ServiceDescriptorProto.Builder service() {
    ServiceDescriptorProto.Builder service =
        ServiceDescriptorProto.newBuilder().setName("ShopService");
    service
        .addMethodBuilder()
        .setName("ListThings")
        .setInputType(".triptych.shop.v1.ListThingsRequest")
        .setOutputType(".triptych.shop.v1.ListThingsResponse");
    service
        .addMethodBuilder()
        .setName("GetThing")
        .setInputType(".triptych.shop.v1.GetThingRequest")
        .setOutputType(".triptych.shop.v1.Thing");
    return service;
  }

  private static DescriptorProto.Builder thing() {
    DescriptorProto.Builder thing =
        message(
            "Thing",
            text("uri").setOneofIndex(0),
            number(FieldDescriptorProto.Type.TYPE_INT32, "width_px")
                .setProto3Optional(true)
                .setOneofIndex(1),
            number(FieldDescriptorProto.Type.TYPE_MESSAGE, "labels")
                .setLabel(Label.LABEL_REPEATED)
                .setTypeName(".triptych.shop.v1.Thing.LabelsEntry"));
    thing.addOneofDeclBuilder().setName("source");
    thing.addOneofDeclBuilder().setName("_width_px");
    thing.addNestedType(
        message("Part", number(FieldDescriptorProto.Type.TYPE_INT64, "size_bytes")));
    DescriptorProto.Builder entry = message("LabelsEntry", text("key"), text("value"));
    entry.getOptionsBuilder().setMapEntry(true);
    thing.addNestedType(entry);
    thing.addEnumType(enumeration("State", "STATE_UNSPECIFIED"));
    return thing;
  }

  private static FieldDescriptorProto.Builder things() {
    return number(FieldDescriptorProto.Type.TYPE_MESSAGE, "things")
        .setLabel(Label.LABEL_REPEATED)
        .setTypeName(".triptych.shop.v1.Thing");
  }

  private static DescriptorProto.Builder message(
      String name, FieldDescriptorProto.Builder... fields) {
    DescriptorProto.Builder message = DescriptorProto.newBuilder().setName(name);
    Stream.of(fields).forEach(message::addField);
    return message;
  }

  private static EnumDescriptorProto enumeration(String name, String zero) {
    EnumDescriptorProto.Builder enumeration = EnumDescriptorProto.newBuilder().setName(name);
    enumeration.addValueBuilder().setName(zero).setNumber(0);
    return enumeration.build();
  }
}
