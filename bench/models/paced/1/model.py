"""Benchmark model: streams chunks of a set size at a set pace, hundreds of streams at once, on one thread.

Speaks the tensors of Triton's vLLM backend. `text_input` is JSON, so that a caller can set the pace through a service that
passes prompts on: {"delay_ms": 500, "chunk_bytes": 4}; anything else means no delay and 4 bytes. `sampling_parameters`
gives `max_tokens`, the number of chunks. A cancelled stream ends at its next chunk.
"""

import heapq
import itertools
import json
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL


class TritonPythonModel:
    def initialize(self, args):
        self._due = []  # heap of (time, order, stream)
        self._order = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def execute(self, requests):
        for request in requests:
            stream = Stream(request)
            with self._changed:
                heapq.heappush(self._due, (time.monotonic() + stream.delay, next(self._order), stream))
                self._changed.notify()

    def _run(self):
        while True:
            due, stream = self._next()
            if stream.send():
                with self._changed:
                    heapq.heappush(self._due, (due + stream.delay, next(self._order), stream))

    def _next(self):
        with self._changed:
            while True:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    due, _, stream = heapq.heappop(self._due)
                    return due, stream
                self._changed.wait(wait)


class Stream:
    def __init__(self, request):
        tensors = {tensor.name(): tensor.as_numpy()[0] for tensor in request.inputs()}
        pace = object_of(tensors["text_input"])
        self.delay = float(pace.get("delay_ms", 0)) / 1000
        self._left = int(object_of(tensors.get("sampling_parameters", b"{}")).get("max_tokens", 16))
        self._tensors = tensors
        self._sender = request.get_response_sender()
        text = b"tok " * (int(pace.get("chunk_bytes", 4)) // 4)
        self._middle = self._response(text, b"None")
        self._last = self._response(text, b"length")

    def send(self):
        """Sends the next chunk; returns whether there are more."""
        self._left -= 1
        if self._sender.is_cancelled():
            self._sender.send(flags=FINAL)
            return False
        if self._left <= 0:
            self._sender.send(self._last, flags=FINAL)
            return False
        self._sender.send(self._middle)
        return True

    def _response(self, text, reason):
        outputs = [pb_utils.Tensor("text_output", np.array([text], dtype=np.object_))]
        if self._tensors.get("return_finish_reason"):
            outputs.append(pb_utils.Tensor("finish_reason", np.array([reason], dtype=np.object_)))
        if self._tensors.get("return_num_input_tokens"):
            outputs.append(pb_utils.Tensor("num_input_tokens", np.ones(1, dtype=np.uint32)))
        if self._tensors.get("return_num_output_tokens"):
            outputs.append(pb_utils.Tensor("num_output_tokens", np.ones(1, dtype=np.uint32)))
        return pb_utils.InferenceResponse(outputs)


def object_of(text):
    try:
        value = json.loads(text)
    except ValueError:  # the service's probe sends no JSON
        return {}
    return value if isinstance(value, dict) else {}
