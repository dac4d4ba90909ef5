"""Test model: streams a fixed text, cheaply, to measure what stands in front of it.

Speaks the tensors of Triton's vLLM backend. Every response carries the delta "tok " and, when asked for,
`num_output_tokens` = 1 and `finish_reason` "None", on the last "length"; `num_input_tokens` is 1. The last response
carries the final flag. Without `stream` the whole text comes in one response.

Keys of `sampling_parameters` (others are ignored):
    max_tokens        number of responses, 0 to 1,000,000; default 16
    echo_delay_ms     wait before each response, milliseconds; default 0
    echo_chunk_bytes  length of each delta, bytes; default 4

Cancellation is honoured within 10 ms or one delay. More streams at once than `max_streams` (config.pbtxt) are refused.
"""

import json
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
CANCEL_POLL_SECONDS = 0.01
TEXT = b"tok "


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        self._free = threading.Semaphore(int(parameters["max_streams"]["string_value"]))

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            if self._free.acquire(blocking=False):
                threading.Thread(target=self._run, args=(request, sender), daemon=True).start()
            else:
                fail(sender, "Exceeds maximum queue size", pb_utils.TritonError.UNAVAILABLE)

    def _run(self, request, sender):
        try:
            stream(request, sender)
        except Exception as error:  # a bad request must not end the process
            fail(sender, f"{type(error).__name__}: {error}", pb_utils.TritonError.INVALID_ARG)
        finally:
            self._free.release()


def stream(request, sender):
    tensors = {tensor.name(): tensor.as_numpy()[0] for tensor in request.inputs()}
    settings = json.loads(tensors.get("sampling_parameters", b"{}"))
    count = min(int(settings.get("max_tokens", 16)), 1_000_000)
    delay = float(settings.get("echo_delay_ms", 0)) / 1000
    size = int(settings.get("echo_chunk_bytes", len(TEXT)))
    delta = (TEXT * (size // len(TEXT) + 1))[:size]

    def response(text, tokens, reason):
        outputs = [pb_utils.Tensor("text_output", np.array([text], dtype=np.object_))]
        if tensors.get("return_finish_reason"):
            outputs.append(pb_utils.Tensor("finish_reason", np.array([reason], dtype=np.object_)))
        if tensors.get("return_num_output_tokens"):
            outputs.append(pb_utils.Tensor("num_output_tokens", np.array([tokens], dtype=np.uint32)))
        if tensors.get("return_num_input_tokens"):
            outputs.append(pb_utils.Tensor("num_input_tokens", np.ones(1, dtype=np.uint32)))
        return pb_utils.InferenceResponse(outputs)

    if not tensors.get("stream"):
        time.sleep(delay * count)
        sender.send(response(delta * count, count, b"length"), flags=FINAL)
        return
    if count <= 0:
        sender.send(response(b"", 0, b"length"), flags=FINAL)
        return

    # The hot loop: one response is built and sent again and again.
    middle, send, clock = response(delta, 1, b"None"), sender.send, time.monotonic
    next_poll = clock()
    for _ in range(count - 1):
        if delay:
            time.sleep(delay)
        now = clock()
        if now >= next_poll:
            if sender.is_cancelled():
                sender.send(flags=FINAL)
                return
            next_poll = now + CANCEL_POLL_SECONDS
        send(middle)
    if delay:
        time.sleep(delay)
    send(response(delta, 1, b"length"), flags=FINAL)


def fail(sender, message, code):
    error = pb_utils.TritonError(message, code)
    sender.send(pb_utils.InferenceResponse(error=error), flags=FINAL)
