import unittest

import model_path  # noqa: F401
from sampling import InvalidRequest, Sampling, parse


class SamplingTest(unittest.TestCase):
    def test_empty_object_gives_defaults_of_vllm(self):
        sampling = parse("{}", max_candidates=4)
        self.assertEqual(Sampling(), sampling)
        self.assertEqual((16, 1.0, 1.0, 0), (sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.top_k))

    def test_reads_every_key(self):
        sampling = parse(
            """{"max_tokens": 5, "min_tokens": 0, "temperature": 0, "top_p": 0.5, "top_k": -1, "min_p": 0.1, "stop": ["a"],
            "include_stop_str_in_output": true, "seed": -3, "presence_penalty": 1, "frequency_penalty": -1,
            "repetition_penalty": 1.1, "n": 2, "logprobs": 3, "ignore_eos": false,
            "guided_decoding": {"regex": "a+"}, "lora_name": null}""",
            max_candidates=4,
        )
        self.assertEqual(
            Sampling(5, 0.0, 0.5, 0, 0.1, ("a",), True, -3, 1.0, -1.0, 1.1, 2, 3, False, {"regex": "a+"}), sampling
        )

    def test_null_max_tokens_means_no_limit_and_other_nulls_the_default(self):
        self.assertEqual(Sampling(max_tokens=None), parse('{"max_tokens": null, "seed": null, "stop": null}', 1))

    def test_guided_decoding_may_come_as_json_text(self):
        self.assertEqual({"choice": ["a"]}, parse('{"guided_decoding": "{\\"choice\\": [\\"a\\"]}"}', 1).guided)

    def test_single_stop_string(self):
        self.assertEqual(("x",), parse('{"stop": "x"}', 1).stop)

    def test_refuses_and_names_the_key(self):
        for key, text in {
            "'foo'": '{"foo": 1}',
            "max_tokens": '{"max_tokens": 0}',
            "temperature": '{"temperature": "1"}',
            "top_p": '{"top_p": 0}',
            "top_k": '{"top_k": 1.5}',
            "min_p": '{"min_p": 2}',
            "stop": '{"stop": [""]}',
            "seed": '{"seed": true}',
            "repetition_penalty": '{"repetition_penalty": 0}',
            "n must be from 1 to 4": '{"n": 5}',
            "logprobs": '{"logprobs": 21}',
            "ignore_eos": '{"ignore_eos": 1}',
            "min_tokens": '{"min_tokens": 1}',
            "lora_name": '{"lora_name": "kids"}',
            "guided_decoding": '{"guided_decoding": []}',
            "frequency_penalty": '{"frequency_penalty": NaN}',
        }.items():
            with self.subTest(text), self.assertRaisesRegex(InvalidRequest, key):
                parse(text, max_candidates=4)

    def test_refuses_what_is_not_a_json_object(self):
        for text in ("", "{", "[]", "null", '"{}"'):
            with self.subTest(text), self.assertRaises(InvalidRequest):
                parse(text, 1)

    def test_refuses_ignore_eos_with_a_grammar(self):
        with self.assertRaisesRegex(InvalidRequest, "ignore_eos"):
            parse('{"ignore_eos": true, "guided_decoding": {"regex": "a"}}', 1)


if __name__ == "__main__":
    unittest.main()
