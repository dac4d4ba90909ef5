package dev.triptych.bench;

import java.util.ArrayList;
import java.util.List;

/** What the soak saw, as it is kept in JSON. Memory is the service's, resident, in MB. */
final class SoakResult {

  /** Freshly started. */
  public double readyMb;

  public int streams;
  public int streamsAtEnd;
  public List<Double> slowStreamsMb = new ArrayList<>();
  public double cpuMicrosPerChunk;

  public int stalledReaders;

  /** What the model had written for the stalled readers. */
  public double offeredMb;

  public double beforeStallMb;
  public List<Double> stalledMb = new ArrayList<>();
  public int callsDuringStall;
  public int failuresDuringStall;
  public double p50DuringStallMs;
}
