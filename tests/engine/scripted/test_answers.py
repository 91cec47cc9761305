"""Answers of the engine without a model, and its message for a file that holds none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.scripted.answers import ANSWER, read_answers
from playground.protocol.events import TokensGenerated
from playground.protocol.wire import encode_line


def line(request_id: str, text: str) -> bytes:
    event = TokensGenerated(request_id=request_id, token_ids=[1], times=[0.0], text=text)
    return msgspec.json.encode({"t": 0.0, "event": msgspec.Raw(encode_line(event).strip())}) + b"\n"


def test_any_name_is_the_answer_of_its_own() -> None:
    assert ["".join(words) for words in read_answers("")] == [ANSWER]


def test_a_recording_answers_as_it_did(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    path.write_bytes(line("a", "one ") + line("b", "other") + line("a", "two"))
    assert read_answers(str(path)) == [["one ", "two"], ["other"]]


@pytest.mark.parametrize("content, said", [(b"no json", "is no recording"), (b"", "holds no generated tokens")])
def test_a_file_without_answers_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=said):
        read_answers(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"cannot read .*gone\.jsonl: No such file"):
        read_answers(str(tmp_path / "gone.jsonl"))
