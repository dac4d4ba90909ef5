"""Test model: every input that is given comes back, unchanged, as the output of the same name with `_out` added.

Inputs, all optional: `bytes` and `bytes_2d` (BYTES), `bool`, `uint8`, `uint8_3d`, `int32`, `uint32`, `int64`, `fp16`,
`fp32`, `fp32_2d`; any length in each dimension, also 0.
"""

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor(f"{tensor.name()}_out", tensor.as_numpy()) for tensor in request.inputs()]
            )
            for request in requests
        ]
