"""Several answers grow at once, each under its own prompt."""

from __future__ import annotations

from playground.tui.conversation.lines import TranscriptLines
from playground.tui.letters import Letters

LETTERS = Letters()


def _texts(lines: TranscriptLines) -> list[str]:
    found = [lines.line(y) for y in range(lines.height)]
    return [line.text if line else "" for line in found]


def _two(width: int = 40) -> TranscriptLines:
    lines = TranscriptLines(width)
    lines.begin("a", LETTERS["a"], "first prompt", chat=True)
    lines.begin("b", LETTERS["b"], "second prompt", chat=False)
    return lines


def test_answers_grow_under_their_prompts() -> None:
    lines = _two()
    lines.append("b", "two\nlines")
    assert lines.append("a", "one\n") == 1
    assert _texts(lines) == ["first prompt", "one", "", "second prompt", "two", "lines"]
    assert [line.block.speaker for y in (0, 1, 3, 4) if (line := lines.line(y))] == ["you", "model", "base", "text"]


def test_an_ending_stands_under_its_answer_and_closes_it() -> None:
    lines = _two()
    lines.append("a", "one\n\n")
    lines.end("a", "note", "end · 1 token")
    assert _texts(lines) == ["first prompt", "one", "end · 1 token", "", "second prompt", ""]
    assert lines.append("a", "too late") is None
    answer = lines.line(5)
    assert answer and answer.block.open and answer.last


def test_escapes_in_prompt_answer_and_note_are_text() -> None:
    lines = TranscriptLines(40)
    lines.begin("a", LETTERS["a"], "\x1b[31m[b]p", chat=True)
    lines.append("a", "\x1b]0;x\x07[i]")
    lines.end("a", "error", "\x1bbad")
    assert _texts(lines)[:3] == ["[31m[b]p", "]0;x[i]", "bad"]


def test_a_large_prompt_is_shown_in_part() -> None:
    lines = TranscriptLines(100)
    lines.begin("a", LETTERS["a"], "x" * 1_000_000, chat=True)
    assert lines.height < 60
    assert "1.0 MB in all" in "".join(_texts(lines))


def test_clearing_keeps_what_still_grows() -> None:
    lines = _two()
    lines.end("a", "note", "end")
    lines.clear()
    lines.append("b", "more")
    assert _texts(lines) == ["second prompt", "more"]


def test_a_line_beyond_the_end_is_empty() -> None:
    assert TranscriptLines().line(0) is None
    assert _two().line(99) is None
