"""Text generation with the tensors of Triton's vLLM backend, by SmolLM2-135M-Instruct in llama.cpp.

The contract is in triton/README.md. This module translates between Triton and generation.py; the work is done by
scheduler.py and engine.py.
"""

from __future__ import annotations

import gc
import json
import os
from typing import Any

import generation as gen
import grammar
import numpy as np
import sampling
import triton_python_backend_utils as pb_utils
from engine import LlamaEngine
from sampling import InvalidRequest
from scheduler import Closing, QueueFull, Scheduler

FINAL = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
# Triton itself waits five seconds for running requests when it is told to exit.
UNLOAD_GRACE_SECONDS = 4.0
COUNT_ONLY = "triptych_count_only"
FLAGS = ("finish_reason", "cumulative_logprob", "logprobs", "num_input_tokens", "num_output_tokens")


class TritonPythonModel:
    """Called by Triton: initialize once, execute on one thread, finalize once."""

    def initialize(self, args: dict[str, str]) -> None:
        parameters = {
            key: value["string_value"] for key, value in json.loads(args["model_config"])["parameters"].items()
        }
        self._max_candidates = int(parameters["max_candidates"])
        self._engine = LlamaEngine(
            os.path.join(os.environ["TRIPTYCH_WEIGHTS"], parameters["weights"]),
            sequences=int(parameters["parallel_sequences"]),
            context_tokens=int(parameters["context_tokens"]),
            threads=int(parameters["threads"]),
        )
        self._scheduler = Scheduler(self._engine, max_queued=int(parameters["max_queued_requests"]))

    def execute(self, requests: list[Any]) -> None:
        for request in requests:
            sink = TritonSink(request.get_response_sender())
            try:
                self._accept(request, sink)
            except Exception as failure:  # a bad request must not end the process
                sink.fail(failure)

    def finalize(self) -> None:
        self._scheduler.close(UNLOAD_GRACE_SECONDS)
        self._engine.close()
        # A request or tensor that is still alive when Triton unmaps the shared memory crashes this process.
        gc.collect()

    def _accept(self, request: Any, sink: TritonSink) -> None:
        tensors = {tensor.name(): tensor for tensor in request.inputs()}
        prompt = text_of(tensors, "text_input")
        prompt_tokens = self._engine.tokenize(prompt)
        sink.prompt_tokens = len(prompt_tokens)
        if json.loads(request.parameters() or "{}").get(COUNT_ONLY) in (True, "true"):
            sink.options = gen.Options(finish_reason=True, num_input_tokens=True, num_output_tokens=True)
            sink.send([gen.CandidateUpdate(finish_reason="stop")], final=True)
            return

        parameters = sampling.parse(text_of(tensors, "sampling_parameters", "{}"), self._max_candidates)
        sink.options = options_of(tensors)
        sink.with_logprobs = parameters.logprobs is not None
        self._check_length(prompt_tokens)
        constraint = None if parameters.guided is None else grammar.build(parameters.guided)
        timeout = request.timeout() / 1e6 or None  # microseconds; 0 for none
        generation = gen.Generation(sink, prompt, prompt_tokens, parameters, sink.options, constraint, timeout)
        self._scheduler.submit(generation)

    def _check_length(self, prompt_tokens: list[int]) -> None:
        if not prompt_tokens:
            raise InvalidRequest("text_input is empty")
        if len(prompt_tokens) >= self._engine.context_tokens:
            raise InvalidRequest(
                f"text_input has {len(prompt_tokens)} tokens; prompt and answer together may have"
                f" {self._engine.context_tokens}, so a prompt may have at most {self._engine.context_tokens - 1}"
            )


class TritonSink(gen.Sink):
    """Sends a generation's responses through Triton's response sender."""

    def __init__(self, sender: Any) -> None:
        self._sender = sender
        self.options = gen.Options()
        self.prompt_tokens = 0
        self.with_logprobs = False

    def send(self, updates: list[gen.CandidateUpdate], final: bool) -> None:
        response = pb_utils.InferenceResponse(self._tensors(updates))
        self._sender.send(response, flags=FINAL if final else 0)

    def fail(self, failure: Exception) -> None:
        if isinstance(failure, gen.Cancelled | gen.TimedOut | InvalidRequest | QueueFull | Closing):
            message = str(failure)
        else:
            message = f"{type(failure).__name__}: {failure}"
            pb_utils.Logger.log_error(message)
        self._sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError(message, error_code(failure))), flags=FINAL)

    def is_cancelled(self) -> bool:
        return self._sender.is_cancelled()

    def _tensors(self, updates: list[gen.CandidateUpdate]) -> list[Any]:
        options = self.options
        tensors = [strings("text_output", [update.text for update in updates])]
        if options.finish_reason:
            tensors.append(strings("finish_reason", [str(update.finish_reason) for update in updates]))
        if options.cumulative_logprob:
            sums = [update.cumulative_logprob for update in updates]
            tensors.append(pb_utils.Tensor("cumulative_logprob", np.array(sums, dtype=np.float32)))
        if options.logprobs:
            tensors.append(strings("logprobs", [gen.logprobs_json(update, self.with_logprobs) for update in updates]))
        if options.num_input_tokens:
            tensors.append(pb_utils.Tensor("num_input_tokens", np.array([self.prompt_tokens], dtype=np.uint32)))
        if options.num_output_tokens:
            counts = [update.tokens for update in updates]
            tensors.append(pb_utils.Tensor("num_output_tokens", np.array(counts, dtype=np.uint32)))
        return tensors


def error_code(failure: Exception) -> int:
    match failure:
        case InvalidRequest():
            return pb_utils.TritonError.INVALID_ARG
        case QueueFull() | Closing() | gen.TimedOut():
            return pb_utils.TritonError.UNAVAILABLE
        case gen.Cancelled():
            return pb_utils.TritonError.CANCELLED
        case _:
            return pb_utils.TritonError.INTERNAL


def options_of(tensors: dict[str, Any]) -> gen.Options:
    stream = flag_of(tensors, "stream", False)
    exclude_input = flag_of(tensors, "exclude_input_in_output", stream)
    if stream and not exclude_input:
        raise InvalidRequest("exclude_input_in_output cannot be false when stream is true")
    wishes = {name: flag_of(tensors, f"return_{name}", False) for name in FLAGS}
    return gen.Options(stream=stream, echo_prompt=not exclude_input, **wishes)


def flag_of(tensors: dict[str, Any], name: str, default: bool) -> bool:
    return bool(only_element(tensors, name)) if name in tensors else default


def text_of(tensors: dict[str, Any], name: str, default: str | None = None) -> str:
    if name not in tensors and default is not None:
        return default
    try:
        return only_element(tensors, name).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name} is not UTF-8: {error}") from None


def only_element(tensors: dict[str, Any], name: str) -> Any:
    elements = tensors[name].as_numpy().reshape(-1)
    if len(elements) != 1:
        raise InvalidRequest(f"{name} must have one element, not {len(elements)}")
    return elements[0]


def strings(name: str, values: list[str]) -> Any:
    return pb_utils.Tensor(name, np.array([value.encode() for value in values], dtype=np.object_))
