"""Manifests in the layouts that people have on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.bench.speech.manifest import ManifestError, read_manifest, read_questions


def write(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


def test_json_lines_and_nemo(tmp_path):
    path = write(
        tmp_path / "m.jsonl",
        {"audio": "a.wav", "text": "one"},
        {"audio_filepath": "/sounds/b.flac", "duration": 1.5, "text": "two", "id": "second"},
    )
    first, second = read_manifest(path)
    assert (first.id, first.path, first.text) == ("1", tmp_path / "a.wav", "one")
    assert (second.id, second.path) == ("second", Path("/sounds/b.flac"))


def test_librispeech(tmp_path):
    chapter = tmp_path / "84" / "121123"
    chapter.mkdir(parents=True)
    (chapter / "84-121123-0001.flac").touch()
    write(chapter / "84-121123.trans.txt", "84-121123-0000 GO DO YOU HEAR", "84-121123-0001 BUT IN LESS")
    one, two = read_manifest(tmp_path)
    assert one.text == "GO DO YOU HEAR" and two.path == chapter / "84-121123-0001.flac"


def test_open_stt(tmp_path):
    (tmp_path / "a.txt").write_text("раз два\n", encoding="utf-8")
    path = write(tmp_path / "m.csv", "0,1.5,sounds/a.opus,a.txt")
    (only,) = read_manifest(path)
    assert only.text == "раз два" and only.path == tmp_path / "sounds/a.opus"


def test_csv_with_a_header(tmp_path):
    (only,) = read_manifest(write(tmp_path / "m.csv", "path,sentence", "clip.mp3,hello there"))
    assert only.text == "hello there" and only.path == tmp_path / "clip.mp3"


def test_spoken_questions(tmp_path):
    path = write(
        tmp_path / "q.jsonl",
        {"id": 7, "audio": {"path": "q.mp3"}, "transcript": "is it valid", "official_answer": "valid"},
    )
    (only,) = read_questions(path)
    assert (only.id, only.path, only.text, only.answer) == ("7", tmp_path / "q.mp3", "is it valid", "valid")


def test_big_bench_audio_as_it_is_published(tmp_path):
    line = {"category": "navigate", "official_answer": "Yes", "file_name": "data/question_250.mp3", "id": 250}
    (only,) = read_questions(write(tmp_path / "metadata.jsonl", line))
    assert (only.id, only.path, only.answer) == ("250", tmp_path / "data/question_250.mp3", "Yes")
    assert only.text is None, "nobody wrote the question down"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"audio": "a.wav"}', r"m.jsonl:1: the text is missing"),
        ("{", r"m.jsonl:1: "),
        ('{"text": "x"}', "the sound is"),
    ],
)
def test_what_is_wrong_names_file_line_and_keys(tmp_path, line, says):
    with pytest.raises(ManifestError, match=says):
        read_manifest(write(tmp_path / "m.jsonl", line))
    with pytest.raises(ManifestError, match="the answer is missing"):
        read_questions(write(tmp_path / "q.jsonl", {"audio": "a.wav", "question": "x"}))


def test_nothing_in_it(tmp_path):
    for path in (write(tmp_path / "m.jsonl", ""), tmp_path):
        with pytest.raises(ManifestError, match="holds no"):
            read_manifest(path)
