import json
import unittest

import model_path  # noqa: F401
from generation import Cancelled, Generation, NonConforming, Options, Sink, TimedOut, logprobs_json
from grammar import build
from pieces import Piece, TokenLogprobs
from sampling import Sampling


class RecordingSink(Sink):
    def __init__(self):
        self.responses = []
        self.finals = 0
        self.cancelled = False

    def send(self, updates, final):
        self._record(updates, final)

    def fail(self, failure):
        self._record(failure, True)

    def is_cancelled(self):
        assert not self.finals, "asked after the final response"
        return self.cancelled

    def _record(self, response, final):
        assert not self.finals, "sent after the final response"
        self.responses.append(response)
        self.finals += final

    def texts(self, index=0):
        return [updates[index].text for updates in self.responses]


class GenerationTest(unittest.TestCase):
    def setUp(self):
        self.sink = RecordingSink()
        self.now = 0.0

    def generation(self, *, stream=True, echo_prompt=False, grammar=None, timeout_seconds=None, **sampling):
        options = Options(stream=stream, echo_prompt=echo_prompt)
        return Generation(
            self.sink, "prompt ", [1, 2], Sampling(**sampling), options, grammar, timeout_seconds, lambda: self.now
        )

    def test_streams_deltas_with_tokens_and_the_end_once(self):
        generation = self.generation()
        self.assertTrue(generation.take(0, Piece()))
        self.assertTrue(generation.take(0, Piece("a", 1)))
        self.assertTrue(generation.take(0, Piece("", 1)))
        self.assertTrue(generation.take(0, Piece("b", 1)))
        self.assertFalse(generation.take(0, Piece("", 1, finish_reason="stop")))
        self.assertEqual(["a", "b", ""], self.sink.texts())
        self.assertEqual([1, 2, 1], [updates[0].tokens for updates in self.sink.responses])
        self.assertEqual([None, None, "stop"], [updates[0].finish_reason for updates in self.sink.responses])
        self.assertEqual(1, self.sink.finals)

    def test_answers_once_when_not_streaming(self):
        generation = self.generation(stream=False, echo_prompt=True)
        generation.take(0, Piece("a", 1))
        generation.take(0, Piece("b", 1, finish_reason="length"))
        [[update]] = self.sink.responses
        self.assertEqual(("prompt ab", 2, "length"), (update.text, update.tokens, update.finish_reason))

    def test_every_response_carries_all_candidates(self):
        generation = self.generation(n=2, seed=7)
        self.assertEqual([7, 8], [generation.seed(0), generation.seed(1)])
        generation.take(1, Piece("b", 1))
        self.assertFalse(generation.take(0, Piece("a", 1, finish_reason="stop")))
        generation.take(1, Piece("c", 1, finish_reason="length"))
        self.assertEqual(["", "a", ""], self.sink.texts(0))
        self.assertEqual(["b", "", "c"], self.sink.texts(1))
        self.assertEqual(["stop", "length"], [update.finish_reason for update in self.sink.responses[-1]])
        self.assertEqual([0, 1], [update.tokens for update in self.sink.responses[-1]])

    def test_stop_string_ends_the_candidate(self):
        generation = self.generation(stop=("END",))
        self.assertTrue(generation.take(0, Piece("a E", 2)))
        self.assertFalse(generation.take(0, Piece("ND b", 2)))
        self.assertEqual(["a ", ""], self.sink.texts())
        self.assertEqual(4, sum(updates[0].tokens for updates in self.sink.responses))
        self.assertEqual("stop", self.sink.responses[-1][0].finish_reason)

    def test_text_held_back_comes_with_the_end(self):
        generation = self.generation(stop=("END",))
        generation.take(0, Piece("a E", 2, finish_reason="length"))
        self.assertEqual(["a E"], self.sink.texts())

    def test_cancellation_is_the_final_response_and_ends_the_candidates(self):
        generation = self.generation()
        generation.take(0, Piece("a", 1))
        self.sink.cancelled = True
        generation.watch()
        self.assertIsInstance(self.sink.responses[-1], Cancelled)
        self.assertFalse(generation.take(0, Piece("b", 1, finish_reason="stop")))
        generation.watch()
        generation.fail(RuntimeError())
        self.assertEqual(2, len(self.sink.responses))

    def test_times_out(self):
        generation = self.generation(timeout_seconds=0.5)
        self.now = 0.4
        generation.watch()
        self.assertEqual([], self.sink.responses)
        self.now = 0.5
        generation.watch()
        self.assertIsInstance(self.sink.responses[0], TimedOut)

    def test_answer_that_breaks_its_grammar_is_no_success(self):
        generation = self.generation(grammar=build({"choice": ["yes", "no"]}))
        generation.take(0, Piece("maybe", 1))
        with self.assertRaises(NonConforming):
            generation.take(0, Piece("", 1, finish_reason="stop"))
        self.assertEqual(0, self.sink.finals)

    def test_answer_cut_off_by_its_length_may_be_incomplete(self):
        generation = self.generation(grammar=build({"choice": ["yes", "no"]}))
        generation.take(0, Piece("ye", 1, finish_reason="length"))
        self.assertEqual("length", self.sink.responses[-1][0].finish_reason)

    def test_log_probabilities_add_up_and_have_one_object_per_token(self):
        generation = self.generation(logprobs=0)
        entry = TokenLogprobs(-0.5, {"7": {"logprob": -0.5, "rank": 1, "decoded_token": "a"}})
        generation.take(0, Piece("é", 2, [None, entry]))
        generation.take(0, Piece("a", 1, [entry], "stop"))
        first, last = (updates[0] for updates in self.sink.responses)
        self.assertEqual([-0.5, -1.0], [first.cumulative_logprob, last.cumulative_logprob])
        self.assertEqual([{}, entry.entries], json.loads(logprobs_json(first, wanted=True)))
        self.assertEqual("null", logprobs_json(first, wanted=False))


if __name__ == "__main__":
    unittest.main()
