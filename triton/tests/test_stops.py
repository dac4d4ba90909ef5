import itertools
import unittest

import model_path  # noqa: F401
from stops import StopScanner


def scan(pieces, stops, include_stop=False):
    scanner = StopScanner(stops, include_stop)
    out = "".join(scanner.feed(piece) for piece in pieces)
    return (out if scanner.stopped else out + scanner.flush()), scanner.stopped


class StopScannerTest(unittest.TestCase):
    def test_passes_everything_on_without_stop_strings(self):
        scanner = StopScanner((), False)
        self.assertEqual("abc", scanner.feed("abc"))
        self.assertFalse(scanner.stopped)

    def test_result_does_not_depend_on_how_the_text_is_cut(self):
        text, stops = "one END two", ("END", "ENDING", "zz")
        for cuts in itertools.combinations(range(1, len(text)), 3):
            bounds = [0, *cuts, len(text)]
            pieces = [text[a:b] for a, b in itertools.pairwise(bounds)]
            with self.subTest(pieces):
                self.assertEqual(("one ", True), scan(pieces, stops))
                self.assertEqual(("one END", True), scan(pieces, stops, include_stop=True))

    def test_holds_back_only_what_may_become_a_stop_string(self):
        scanner = StopScanner(("abc",), False)
        self.assertEqual("x", scanner.feed("xab"))
        self.assertEqual("ab", scanner.feed("ab"))
        self.assertEqual("ab", scanner.flush())

    def test_passes_a_false_beginning_on(self):
        scanner = StopScanner(("abc",), False)
        self.assertEqual("", scanner.feed("ab"))
        self.assertEqual("abx", scanner.feed("x"))

    def test_beginning_may_overlap_itself(self):
        self.assertEqual(("a", True), scan(["aa", "ab"], ("aab",)))

    def test_flush_gives_what_was_held_back(self):
        self.assertEqual(("end <|", False), scan(["end ", "<|"], ("<|im_end|>",)))

    def test_stop_string_that_is_complete_first_counts(self):
        self.assertEqual(("a", True), scan(["abcd"], ("bcd", "b")))

    def test_nothing_passes_after_a_stop(self):
        scanner = StopScanner(("x",), False)
        self.assertEqual("a", scanner.feed("axb"))
        self.assertTrue(scanner.stopped)
        self.assertEqual("", scanner.feed("more"))


if __name__ == "__main__":
    unittest.main()
