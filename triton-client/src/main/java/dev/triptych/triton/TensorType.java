package dev.triptych.triton;

/** Element type of a tensor, named as on Triton's wire. Numbers are little-endian. */
public enum TensorType {
  /** One byte an element, 0 or 1. */
  BOOL(1),
  UINT8(1),
  UINT16(2),
  UINT32(4),
  UINT64(8),
  INT8(1),
  INT16(2),
  INT32(4),
  INT64(8),
  /** IEEE 754 binary16. */
  FP16(2),
  /** IEEE 754 binary32. */
  FP32(4),
  /** IEEE 754 binary64. */
  FP64(8),
  /** bfloat16. */
  BF16(2),
  /** Byte strings: each element is a 4-byte little-endian length and that many raw bytes. */
  BYTES(0);

  private final int elementSize;

  TensorType(int elementSize) {
    this.elementSize = elementSize;
  }

  /** Size of an element in bytes; 0 where it varies. */
  public int elementSize() {
    return elementSize;
  }

  /**
   * Type of that wire name. Throws {@link TritonException} (CONTRACT_VIOLATED) for an unknown one.
   */
  static TensorType ofWire(String name) {
    // valueOf would be simpler, but its exception is costly and says nothing about the peer
    return switch (name) {
      case "BYTES" -> BYTES;
      case "FP32" -> FP32;
      case "BOOL" -> BOOL;
      case "UINT8" -> UINT8;
      case "UINT16" -> UINT16;
      case "UINT32" -> UINT32;
      case "UINT64" -> UINT64;
      case "INT8" -> INT8;
      case "INT16" -> INT16;
      case "INT32" -> INT32;
      case "INT64" -> INT64;
      case "FP16" -> FP16;
      case "FP64" -> FP64;
      case "BF16" -> BF16;
      default ->
          throw new TritonException(
              TritonException.Kind.CONTRACT_VIOLATED,
              "Triton sent a tensor of unknown type " + name);
    };
  }
}
