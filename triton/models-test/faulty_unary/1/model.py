"""Test model: misbehaves as `text_input` says; the counterpart of `faulty` for models with one response per request.

Not decoupled. Several requests run at once. Every command ends by itself after 60 s at the latest.

    ok              `text_output` "ok"
    error           an error (code UNAVAILABLE)
    silent          no response until cancelled
    slow:MS         `text_output` "ok" after MS milliseconds
    no-output       a response that carries no tensor
    empty-output    `text_output` with no element
    wrong-shape     `text_output` of shape [2, 3]
    exit            this model's process ends (a killed stub)
    stats           a JSON object in `text_output`: commands `started`, `finished` and `cancelled` since the model was
                    loaded, and `running`; "stats" itself is not counted
"""

import collections
import json
import os
import threading
import time

import numpy as np
import triton_python_backend_utils as pb_utils

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.005


class TritonPythonModel:
    def initialize(self, args):
        self._lock = threading.Lock()
        self._counts = collections.Counter(started=0, finished=0, cancelled=0)

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            command = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy()[0].decode()
            if command == "stats":
                sender.send(text_response([json.dumps(self._stats()).encode()]), flags=FINAL)
            else:
                self._count("started")
                threading.Thread(target=self._run, args=(command, sender), daemon=True).start()

    def _stats(self):
        with self._lock:
            counts = dict(self._counts)
        counts["running"] = counts["started"] - counts["finished"] - counts["cancelled"]
        return counts

    def _count(self, what):
        with self._lock:
            self._counts[what] += 1

    def _run(self, command, sender):
        try:
            name, _, argument = command.partition(":")
            seconds = {"silent": LIMIT_SECONDS, "slow": float(argument or 0) / 1000}.get(name, 0.0)
            if not wait(sender, seconds):
                self._count("cancelled")
                send_error(sender, "cancelled", pb_utils.TritonError.CANCELLED)
                return
            self._count("finished")
            sender.send(answer(name), flags=FINAL)
        except Exception as error:  # a bad command must not end the process
            send_error(sender, f"{type(error).__name__}: {error}", pb_utils.TritonError.INVALID_ARG)


def answer(name):
    match name:
        case "ok" | "slow":
            return text_response([b"ok"])
        case "error" | "silent":
            return pb_utils.InferenceResponse(
                error=pb_utils.TritonError(f"faulty_unary: {name}", pb_utils.TritonError.UNAVAILABLE)
            )
        case "no-output":
            return pb_utils.InferenceResponse([])
        case "empty-output":
            return text_response([])
        case "wrong-shape":
            return text_response([[b"a"] * 3] * 2)
        case "exit":
            os._exit(1)
    raise ValueError(f"unknown command {name!r}")


def wait(sender, seconds):
    """Returns True after so many seconds, or False within 5 ms of the request's cancellation."""
    end = time.monotonic() + seconds
    while not sender.is_cancelled():
        left = end - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, POLL_SECONDS))
    return False


def text_response(texts):
    return pb_utils.InferenceResponse([pb_utils.Tensor("text_output", np.array(texts, dtype=np.object_))])


def send_error(sender, message, code):
    sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code)), flags=FINAL)
