import unittest

import model_path  # noqa: F401
from grammar import MAX_CHARACTERS, build
from sampling import InvalidRequest


class GrammarTest(unittest.TestCase):
    def test_json_schema_allows_compact_json_of_that_schema_only(self):
        schema = {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}},
            "required": ["a", "b"],
            "additionalProperties": False,
        }
        grammar = build({"json": schema})
        self.assertTrue(grammar.conforms('{"a": 1, "b": ["x", "é"]}'))
        for text in ('{"a": 1}', '{"a": "1", "b": []}', '{"a": 1, "b": [', '{ "a": 1, "b": []}', ""):
            with self.subTest(text):
                self.assertFalse(grammar.conforms(text))

    def test_json_schema_may_come_as_text(self):
        self.assertTrue(build({"json": '{"enum": ["x"]}'}).conforms('"x"'))

    def test_json_object_is_any_object(self):
        grammar = build({"json_object": True})
        self.assertTrue(grammar.conforms('{"a": [1, null]}'))
        self.assertFalse(grammar.conforms("[1]"))

    def test_choice_takes_texts_literally(self):
        choices = ["yes", 'say "no"\n', "a|b", "ü"]
        grammar = build({"choice": choices})
        for choice in choices:
            with self.subTest(choice):
                self.assertTrue(grammar.conforms(choice))
        self.assertFalse(grammar.conforms("a"))

    def test_regex_matches_the_whole_text(self):
        for pattern, good, bad in (
            ("[a-c]{2,3}", "abc", "abcd"),
            ("^a$", "a", "^a$"),
            ("a\\$", "a$", "a"),
            ("a/b\\/c", "a/b/c", "abc"),
            ("a\nb", "a\nb", "ab"),
            ("(yes|no)!?", "no!", "maybe"),
            ("\\d+ é", "12 é", "é"),
        ):
            with self.subTest(pattern):
                grammar = build({"regex": pattern})
                self.assertTrue(grammar.conforms(good))
                self.assertFalse(grammar.conforms(bad))

    def test_gbnf_is_passed_on_unchecked(self):
        grammar = build({"grammar": 'root ::= "a"'})
        self.assertEqual('root ::= "a"', grammar.source)
        self.assertTrue(grammar.conforms("anything"))

    def test_refuses_what_cannot_be_a_constraint(self):
        for guided in (
            {},
            {"json": {}, "regex": "a"},
            {"xml": "a"},
            {"json": {"type": "foo"}},
            {"json": {"not": {"type": "string"}}},
            {"json": "{"},
            {"json": 1},
            {"json_object": False},
            {"regex": "("},
            {"regex": "a(?=b)"},
            {"regex": ""},
            {"choice": []},
            {"choice": [""]},
            {"choice": "a"},
            {"grammar": ""},
            {"grammar": "%llguidance {}"},
            {"choice": ["a" * (MAX_CHARACTERS + 1)]},
        ):
            with self.subTest(guided), self.assertRaisesRegex(InvalidRequest, "guided_decoding"):
                build(guided)

    def test_complaint_is_one_short_line(self):
        with self.assertRaises(InvalidRequest) as caught:
            build({"json": {"type": "foo"}})
        self.assertIn("Invalid type: foo", str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
