"""The gates: what is kept, what is dropped, and the reason that is given."""

from __future__ import annotations

import pytest

from playground.protocol.speech import Segment
from playground.speech.known_phrases import KNOWN_PHRASES, find_known_phrase, normalized
from playground.speech.transcript import Heard, find_loop, joined, judge


def heard(text: str, **known) -> Heard:
    fields = {name: known.pop(name) for name in list(known) if name in Segment.__struct_fields__}
    return Heard(Segment(start=0, end=2, text=text, **fields), **known)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (heard("write a function", loudness_db=-70.0), "quiet"),
        (heard("write a function", speech_s=0.05), "no speech"),
        (heard(" … "), "empty"),
        (heard("write a function", no_speech_prob=0.7, avg_logprob=-1.2), "unsure"),
        (heard("write a function", compression_ratio=2.5), "looping"),
        (heard("and so on " * 6), "looping"),
        (heard("Спасибо за просмотр!", language="ru", no_speech_prob=0.4), "known phrase"),
        (heard("Thank you.", language="en", loudness_db=-50.0), "known phrase"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_gate_drops_with_its_reason(case, reason):
    dropped = judge(case)
    assert dropped and dropped.reason == reason and dropped.detail
    assert dropped.segment is case.segment


@pytest.mark.parametrize(
    "case",
    [
        heard("write a function"),
        heard("write a function", loudness_db=-40.0, speech_s=1.5),
        heard("write a function", no_speech_prob=0.9, avg_logprob=-0.3),
        heard("write a function", no_speech_prob=0.1, avg_logprob=-1.4),
        heard("Thank you.", language="en", avg_logprob=-0.2, loudness_db=-20.0),
        heard("Thank you.", language="ru", no_speech_prob=0.5),
        heard("no no no no"),
        heard("да"),
    ],
)
def test_what_no_gate_is_sure_of_is_kept(case):
    assert judge(case) is None


def test_the_surest_gate_speaks_first():
    assert judge(heard("Thank you.", loudness_db=-80.0, compression_ratio=9.0)).reason == "quiet"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("we go home " * 4, ("we go home", 4)),
        ("first " + "we go home, " * 5 + "end", ("we go home", 5)),
        ("ну " * 12, ("ну", 12)),
        ("да, да, да, да", ("", 0)),
        ("a b c d e f g h a b c d e f g h", ("", 0)),
        ("one long sentence without any loop at all, and yet more of it", ("", 0)),
        ("", ("", 0)),
    ],
)
def test_a_loop_is_one_phrase_over_and_over(text, found):
    assert find_loop(text) == found


@pytest.mark.parametrize(("language", "phrase"), [(lang, p) for lang, each in KNOWN_PHRASES.items() for p in each])
def test_every_known_phrase_is_found_as_whisper_spells_it(language, phrase):
    assert normalized(phrase) == phrase
    assert find_known_phrase(f" {phrase.capitalize()}. {phrase}!", language)
    assert find_known_phrase(phrase)


def test_a_phrase_inside_a_sentence_is_no_known_phrase():
    assert find_known_phrase("thank you for writing a function", "en") == ""
    assert find_known_phrase("спасибо за просмотр кода, коллеги") == ""
    assert find_known_phrase("") == find_known_phrase("...", "en") == ""


def test_joined_segments_are_one_text():
    assert joined([Segment(start=0, end=1, text=" a "), Segment(start=1, end=2, text=""), *[]]) == "a"
