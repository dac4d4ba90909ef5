package dev.triptych.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads and writes results. */
final class Json {

  static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Json() {}

  static void write(Path path, Object value) throws IOException {
    Files.writeString(path, MAPPER.writeValueAsString(value) + "\n");
  }

  static <T> T read(Path path, Class<T> type) throws IOException {
    return MAPPER.readValue(path.toFile(), type);
  }
}
