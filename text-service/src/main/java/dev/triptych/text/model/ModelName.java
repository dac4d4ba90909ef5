package dev.triptych.text.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Resource name of a model or one of its variants.
 *
 * @param model public name of the model
 * @param variant name of the variant; empty: the model itself
 */
public record ModelName(String model, String variant) {

  static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?");

  private static final Pattern FORM =
      Pattern.compile("models/(?<model>" + ID + ")(@(?<variant>" + ID + "))?");

  /** Reads "models/{model}" or "models/{model}@{variant}"; null when it is neither. */
  static @org.jspecify.annotations.Nullable ModelName parse(String name) {
    Matcher matcher = FORM.matcher(name);
    if (name.length() > 140 || !matcher.matches()) {
      return null;
    }
    String variant = matcher.group("variant");
    return new ModelName(matcher.group("model"), variant == null ? "" : variant);
  }

  @Override
  public String toString() {
    return variant.isEmpty() ? "models/" + model : "models/" + model + "@" + variant;
  }
}
