"""Test model: answers `text_output` = `text_input` in one response, with as little work as possible.

Speaks the tensors of Triton's vLLM backend without streaming; `stream`, `sampling_parameters` and
`exclude_input_in_output` are accepted and ignored. Answers on request: `finish_reason` ("stop"), `num_input_tokens` and
`num_output_tokens` (1 each), `cumulative_logprob` (0), `logprobs` ("null").
"""

import numpy as np
import triton_python_backend_utils as pb_utils

EXTRAS = (
    ("return_finish_reason", "finish_reason", np.array([b"stop"], dtype=np.object_)),
    ("return_cumulative_logprob", "cumulative_logprob", np.zeros(1, dtype=np.float32)),
    ("return_logprobs", "logprobs", np.array([b"null"], dtype=np.object_)),
    ("return_num_input_tokens", "num_input_tokens", np.ones(1, dtype=np.uint32)),
    ("return_num_output_tokens", "num_output_tokens", np.ones(1, dtype=np.uint32)),
)


class TritonPythonModel:
    def execute(self, requests):
        return [self._answer(request) for request in requests]

    @staticmethod
    def _answer(request):
        tensors = {tensor.name(): tensor for tensor in request.inputs()}
        outputs = [pb_utils.Tensor("text_output", tensors["text_input"].as_numpy())]
        if len(tensors) > 1:
            for wish, name, value in EXTRAS:
                if wish in tensors and tensors[wish].as_numpy()[0]:
                    outputs.append(pb_utils.Tensor(name, value))
        return pb_utils.InferenceResponse(outputs)
