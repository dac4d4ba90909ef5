"""Test model: misbehaves as `text_input` says, so that tests can see how the callers take it.

Decoupled, with the tensors of Triton's vLLM backend; only `text_input` is read. A chunk is a response with `text_output`
"tok " and `num_output_tokens` 1. Every command ends by itself after 60 s at the latest.

    ok:N            N chunks, then the final flag on an empty response
    error-first     an in-band error (code UNAVAILABLE) as the only response
    error-mid       3 chunks, then an in-band error (code INTERNAL)
    silent-first    no response until cancelled
    silent-mid      3 chunks, then nothing until cancelled
    slow:MS         3 chunks, each MS milliseconds after the last
    cancel-probe    a chunk every 10 ms until cancelled
    late-final      3 chunks, a second of silence, then the final flag
    no-output       a response that carries no tensor, then 2 chunks
    empty-output    `text_output` with no element
    wrong-shape     `text_output` of shape [2, 3]
    wrong-type      `text_output` as INT32
    bad-utf8        `text_output` that is not UTF-8 (bytes C3 28)
    no-final        3 chunks; the final flag is never sent
    exit            3 chunks, then this model's process ends (a killed stub)
    exit-first      this model's process ends before any response
    stats           one response, a JSON object in `text_output`: how many commands were `started`, `finished` and
                    `cancelled` since the model was loaded, how many are `running`, how many `chunks` were sent; by command too:
                    {"started": 3, ..., "cancelled_by_command": {"cancel-probe": 1}}. "stats" itself is not counted.
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
MAX_RUNNING = 64


class Cancelled(Exception):
    pass


class TritonPythonModel:
    def initialize(self, args):
        self._lock = threading.Lock()
        self._counts = collections.Counter(started=0, finished=0, cancelled=0, chunks=0)
        self._cancelled_by_command = collections.Counter()

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            command = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy()[0].decode()
            if command == "stats":
                sender.send(text_response(json.dumps(self._stats()).encode()), flags=FINAL)
            elif self._stats()["running"] >= MAX_RUNNING:
                send_error(sender, "Exceeds maximum queue size", pb_utils.TritonError.UNAVAILABLE)
            else:
                self._count("started")
                threading.Thread(target=self._run, args=(command, sender), daemon=True).start()

    def _stats(self):
        with self._lock:
            counts = dict(self._counts)
            counts["running"] = counts["started"] - counts["finished"] - counts["cancelled"]
            counts["cancelled_by_command"] = dict(self._cancelled_by_command)
            return counts

    def _count(self, what):
        with self._lock:
            self._counts[what] += 1

    def _run(self, command, sender):
        try:
            self._obey(command, sender)
            self._count("finished")
        except Cancelled:
            sender.send(flags=FINAL)
            with self._lock:
                self._counts["cancelled"] += 1
                self._cancelled_by_command[command] += 1
        except Exception as error:  # a bad command must not end the process
            send_error(sender, f"{type(error).__name__}: {error}", pb_utils.TritonError.INVALID_ARG)
            self._count("finished")

    def _obey(self, command, sender):
        name, _, argument = command.partition(":")
        match name:
            case "ok":
                self._chunks(sender, int(argument))
            case "error-first":
                return send_error(sender, "faulty: error first", pb_utils.TritonError.UNAVAILABLE)
            case "error-mid":
                self._chunks(sender, 3)
                return send_error(sender, "faulty: error after 3 chunks", pb_utils.TritonError.INTERNAL)
            case "silent-first":
                wait(sender, LIMIT_SECONDS)
            case "silent-mid":
                self._chunks(sender, 3)
                wait(sender, LIMIT_SECONDS)
            case "slow":
                self._chunks(sender, 3, pause=float(argument) / 1000)
            case "cancel-probe":
                self._chunks(sender, int(LIMIT_SECONDS / 0.01), pause=0.01)
            case "late-final":
                self._chunks(sender, 3)
                wait(sender, 1.0)
            case "no-output":
                sender.send(pb_utils.InferenceResponse([]))
                self._chunks(sender, 2)
            case "empty-output":
                sender.send(pb_utils.InferenceResponse([text_tensor([])]))
            case "wrong-shape":
                sender.send(pb_utils.InferenceResponse([text_tensor([[b"a"] * 3] * 2)]))
            case "wrong-type":
                sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("text_output", np.array([7], dtype=np.int32))]))
            case "bad-utf8":
                sender.send(text_response(b"\xc3\x28"))
            case "no-final":
                self._chunks(sender, 3)
                return None
            case "exit":
                self._chunks(sender, 3)
                os._exit(1)
            case "exit-first":
                os._exit(1)
            case _:
                raise ValueError(f"unknown command {command!r}")
        return sender.send(flags=FINAL)

    def _chunks(self, sender, count, pause=0.0):
        for _ in range(count):
            wait(sender, pause)
            sender.send(text_response(b"tok "))
            self._count("chunks")


def wait(sender, seconds):
    """Returns after so many seconds; raises Cancelled within 5 ms of the request's cancellation."""
    end = time.monotonic() + seconds
    while True:
        if sender.is_cancelled():
            raise Cancelled
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, POLL_SECONDS))


def text_tensor(texts):
    return pb_utils.Tensor("text_output", np.array(texts, dtype=np.object_))


def text_response(text):
    tokens = pb_utils.Tensor("num_output_tokens", np.ones(1, dtype=np.uint32))
    return pb_utils.InferenceResponse([text_tensor([text]), tokens])


def send_error(sender, message, code):
    sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code)), flags=FINAL)
