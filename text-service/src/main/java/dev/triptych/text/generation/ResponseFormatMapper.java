package dev.triptych.text.generation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.triptych.kit.failure.Checks;
import dev.triptych.text.model.TextConfig;
import dev.triptych.text.v1.ResponseFormat;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Response formats, checked: a schema is a schema (JSON Schema 2020-12), a regular expression is
 * one.
 */
@Singleton
final class ResponseFormatMapper {

  private static final String FIELD = "controls.response_format";
  private static final int LARGEST_SCHEMA_BYTES = 64 * 1024;
  private static final int DEEPEST_SCHEMA = 64;
  private static final int LONGEST_REGEX_BYTES = 4 * 1024;
  private static final int MOST_CHOICES = 64;
  private static final String META_SCHEMA = "https://json-schema.org/draft/2020-12/schema";

  private final ObjectMapper json =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private final Schema metaSchema =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
          .getSchema(SchemaLocation.of(META_SCHEMA));

  /** The first check reads the meta-schema, which takes a while: not at a caller's expense. */
  void warmUp(@Observes StartupEvent event) {
    Thread.ofVirtual()
        .start(() -> jsonSchema("{\"type\":\"object\",\"$defs\":{\"a\":{}}}", 1, new Checks()));
  }

  Controls.@Nullable Form toDomain(ResponseFormat format, TextConfig.Model model, Checks checks) {
    if (!model.structuredOutput()) {
      checks.violated(FIELD, "the model can't be held to a form");
      return null;
    }
    return switch (format.getFormatCase()) {
      case JSON_SCHEMA ->
          jsonSchema(format.getJsonSchema(), format.getJsonSchemaBytes().size(), checks);
      case CHOICE -> choice(format.getChoice().getValuesList(), checks);
      case REGEX -> regex(format.getRegex(), format.getRegexBytes().size(), checks);
      case FORMAT_NOT_SET -> {
        checks.violated(FIELD + ".format", "one of json_schema, choice and regex must be set");
        yield null;
      }
    };
  }

  private Controls.Form jsonSchema(String text, int bytes, Checks checks) {
    String field = FIELD + ".json_schema";
    Controls.Form form = new Controls.Form.JsonSchema(text);
    if (bytes < 1 || bytes > LARGEST_SCHEMA_BYTES) {
      checks.violated(field, "must be 1 to " + LARGEST_SCHEMA_BYTES + " bytes, but is " + bytes);
      return form;
    }
    JsonNode schema;
    try {
      schema = json.readTree(text);
    } catch (JsonProcessingException e) {
      checks.violated(field, "is not JSON: " + e.getOriginalMessage());
      return form;
    }
    if (!schema.isObject()) {
      checks.violated(field, "must be a JSON object");
    } else if (isDeeper(schema, DEEPEST_SCHEMA)) {
      checks.violated(field, "must be nested at most " + DEEPEST_SCHEMA + " levels deep");
    } else if (refersElsewhere(schema)) {
      checks.violated(field, "must not refer to other documents: every $ref must begin with #");
    } else {
      List<Error> errors = metaSchema.validate(schema);
      if (!errors.isEmpty()) {
        Error first = errors.getFirst();
        checks.violated(
            field,
            "is not a JSON Schema: " + first.getInstanceLocation() + " " + first.getMessage());
      }
    }
    return form;
  }

  private static boolean isDeeper(JsonNode node, int levels) {
    if (levels < 0) {
      return true;
    }
    for (JsonNode child : node) {
      if (child.isContainerNode() && isDeeper(child, levels - 1)) {
        return true;
      }
    }
    return false;
  }

  private static boolean refersElsewhere(JsonNode node) {
    for (String keyword : List.of("$ref", "$dynamicRef")) {
      JsonNode reference = node.get(keyword);
      if (reference != null && reference.isTextual() && !reference.asText().startsWith("#")) {
        return true;
      }
    }
    for (JsonNode child : node) {
      if (child.isContainerNode() && refersElsewhere(child)) {
        return true;
      }
    }
    return false;
  }

  private static Controls.Form choice(List<String> values, Checks checks) {
    String field = FIELD + ".choice.values";
    checks.range(values.size(), 1, MOST_CHOICES, field);
    for (int i = 0; i < values.size() && !checks.isFull(); i++) {
      checks.require(!values.get(i).isEmpty(), field + "[" + i + "]", "must not be empty");
    }
    return new Controls.Form.Choice(List.copyOf(values));
  }

  private static Controls.Form regex(String pattern, int bytes, Checks checks) {
    String field = FIELD + ".regex";
    checks.range(bytes, 1, LONGEST_REGEX_BYTES, field);
    try {
      var unused = Pattern.compile(pattern);
    } catch (PatternSyntaxException e) {
      checks.violated(field, "is not a regular expression: " + e.getDescription());
    }
    return new Controls.Form.Regex(pattern);
  }
}
