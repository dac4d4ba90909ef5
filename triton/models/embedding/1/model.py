"""Sentence embeddings by all-MiniLM-L6-v2 (quantized ONNX): mean of the token vectors, scaled to length 1.

The contract is in triton/README.md. Each text is run by itself: the model's activations are quantized over the whole
batch, so a text's vector would depend on its neighbours; and on a CPU thread a batch gains nothing.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils
from tokenizers import Tokenizer

DIMENSIONS = 384


class InvalidRequest(ValueError):
    """The request cannot be served as it stands; the message tells the caller what to change."""


class TritonPythonModel:
    """Called by Triton on one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        parameters = {
            key: value["string_value"] for key, value in json.loads(args["model_config"])["parameters"].items()
        }
        folder = os.environ["TRIPTYCH_WEIGHTS"]
        self._max_tokens = int(parameters["max_input_tokens"])
        self._max_texts = int(parameters["max_texts"])
        self._tokenizer = Tokenizer.from_file(os.path.join(folder, parameters["tokenizer"]))
        # The file asks for both, at 128 tokens: padding would count as content, truncation would go unnoticed.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["threads"])
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            os.path.join(folder, parameters["weights"]), options, providers=["CPUExecutionProvider"]
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        try:
            texts = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy().reshape(-1)
            tokens = self._tokenize(texts)
            vectors = np.empty((len(tokens), DIMENSIONS), dtype=np.float32)
            for index, ids in enumerate(tokens):
                if request.is_cancelled():
                    return error_response("The request was cancelled", pb_utils.TritonError.CANCELLED)
                vectors[index] = self._embed(ids)
            counts = np.array([len(ids) for ids in tokens], dtype=np.uint32)
            return pb_utils.InferenceResponse(
                [pb_utils.Tensor("embedding", vectors), pb_utils.Tensor("num_input_tokens", counts)]
            )
        except InvalidRequest as error:
            return error_response(str(error), pb_utils.TritonError.INVALID_ARG)
        except Exception as error:  # one request's failure must not touch the others
            pb_utils.Logger.log_error(f"{type(error).__name__}: {error}")
            return error_response(f"{type(error).__name__}: {error}", pb_utils.TritonError.INTERNAL)

    def _tokenize(self, texts: np.ndarray) -> list[list[int]]:
        """The tokens of each text; raises InvalidRequest for what the model would have to cut or cannot read."""
        if not 1 <= len(texts) <= self._max_texts:
            raise InvalidRequest(f"text_input must have 1 to {self._max_texts} texts, not {len(texts)}")
        tokens = []
        for index, text in enumerate(texts):
            try:
                ids = self._tokenizer.encode(text.decode()).ids
            except UnicodeDecodeError as error:
                raise InvalidRequest(f"text_input[{index}] is not UTF-8: {error}") from None
            if len(ids) > self._max_tokens:
                raise InvalidRequest(f"text_input[{index}] has {len(ids)} tokens; at most {self._max_tokens} are allowed")
            tokens.append(ids)
        return tokens

    def _embed(self, ids: list[int]) -> np.ndarray:
        batch = np.array([ids], dtype=np.int64)
        inputs = {"input_ids": batch, "attention_mask": np.ones_like(batch), "token_type_ids": np.zeros_like(batch)}
        [hidden] = self._session.run(["last_hidden_state"], inputs)
        mean = hidden[0].mean(axis=0)
        return mean / np.linalg.norm(mean)


def error_response(message: str, code: int) -> Any:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
