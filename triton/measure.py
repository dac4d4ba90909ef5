#!/usr/bin/env python3
"""Measures the text and embedding models of a running Triton over HTTP; prints the figures that triton/README.md quotes.

    local/run-triton.sh &
    python3 triton/measure.py --http-port 8000

Needs nothing but Python. Takes about half a minute.
"""

import argparse
import json
import statistics
import threading
import time
import urllib.request

CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
SAMPLING = {"temperature": 0.6, "min_p": 0.05, "repetition_penalty": 1.1, "ignore_eos": True}


def stream(base: str, prompt: str, max_tokens: int, seed: int) -> tuple[float, float, int]:
    """Generates a text; returns seconds to the first response, seconds to the last, and tokens."""
    body = {
        "text_input": prompt,
        "stream": True,
        "return_num_output_tokens": True,
        "sampling_parameters": json.dumps({**SAMPLING, "max_tokens": max_tokens, "seed": seed}),
    }
    request = urllib.request.Request(f"{base}/v2/models/text/generate_stream", json.dumps(body).encode())
    begin, first, tokens = time.perf_counter(), 0.0, 0
    with urllib.request.urlopen(request, timeout=120) as response:
        for line in response:
            if line.startswith(b"data:"):
                first = first or time.perf_counter() - begin
                tokens += json.loads(line[5:])["num_output_tokens"]
    return first, time.perf_counter() - begin, tokens


def embed(base: str, texts: list[str]) -> float:
    """Embeds texts in one request; returns seconds."""
    tensor = {"name": "text_input", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
    body = json.dumps({"inputs": [tensor], "outputs": [{"name": "num_input_tokens"}]}).encode()
    begin = time.perf_counter()
    with urllib.request.urlopen(f"{base}/v2/models/embedding/infer", body, timeout=60) as response:
        response.read()
    return time.perf_counter() - begin


def together(base: str, streams: int, max_tokens: int) -> float:
    """Tokens per second of several streams together."""
    counts: list[int] = []
    prompt = CHAT.format("Tell a story about a penguin.")
    threads = [
        threading.Thread(target=lambda seed=seed: counts.append(stream(base, prompt, max_tokens, seed)[2]))
        for seed in range(streams)
    ]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http-port", type=int, default=8000)
    base = f"http://127.0.0.1:{parser.parse_args().http_port}"

    runs = [stream(base, CHAT.format("Tell a story about a penguin."), 100, seed) for seed in range(3)]
    print(f"text: first response {statistics.median(run[0] for run in runs):.2f} s (prompt of 16 tokens)")
    print(f"text: {statistics.median(99 / (run[1] - run[0]) for run in runs):.0f} tokens/s, one stream")
    print(f"text: {together(base, 4, 100):.0f} tokens/s, four streams together")
    long_prompt = "hello world " * 500
    print(f"text: first response {stream(base, long_prompt, 1, 0)[0]:.1f} s (prompt of 1001 tokens)")
    sentence = "A short sentence about a cat."
    print(f"embedding: {statistics.median(embed(base, [sentence]) for _ in range(50)) * 1e3:.1f} ms, a sentence of 9 tokens")
    print(f"embedding: {statistics.median(embed(base, ['word ' * 254]) for _ in range(9)) * 1e3:.0f} ms, a text of 256 tokens")
    print(f"embedding: {statistics.median(embed(base, [sentence] * 64) for _ in range(9)) * 1e3:.0f} ms, 64 sentences in a request")


if __name__ == "__main__":
    main()
