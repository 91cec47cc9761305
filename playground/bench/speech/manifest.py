"""Recordings with their texts, in common manifest layouts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

AUDIO_KEYS = ("audio", "audio_filepath", "file_name", "audio_path", "path", "wav", "file")
TEXT_KEYS = ("text", "transcript", "sentence", "raw_text")
QUESTION_KEYS = ("question", "transcript", "text", "prompt")
ANSWER_KEYS = ("answer", "official_answer")
LIBRISPEECH = "*.trans.txt"
SUFFIXES = (".flac", ".wav", ".mp3", ".opus", ".ogg", ".m4a")
BUNDLED = Path(__file__).parent / "recordings" / "manifest.jsonl"


class ManifestError(ValueError):
    """A manifest that cannot be read: file, line, what is wrong, what would be right."""


@dataclass(frozen=True)
class SpeechSample:
    """One recording. `text` is what is said, None if it is not known; `answer` is the answer to a spoken question."""

    id: str
    path: Path
    text: str | None
    answer: str = ""


def read_manifest(path: Path) -> list[SpeechSample]:
    """Read JSON lines (`audio` or `audio_filepath`, and `text`; NeMo's too), OpenSTT's CSV, or a folder in
    LibriSpeech's layout. Raises `ManifestError` and `OSError`."""
    if path.is_dir():
        found = list(_librispeech(path))
        if not found:
            raise ManifestError(f"{path} holds no {LIBRISPEECH}; name a manifest, or a folder in LibriSpeech's layout")
        return found
    reader = _csv if path.suffix.lower() == ".csv" else _json_lines
    if not (recordings := list(reader(path, TEXT_KEYS, ()))):
        raise ManifestError(f"{path} holds no recordings; a line has audio and text")
    return recordings


def read_questions(path: Path) -> list[SpeechSample]:
    """Read spoken questions as JSON lines of audio, answer and, if known, the question in writing; BIG-bench Audio has
    `file_name` and `official_answer` alone. Raises `ManifestError`."""
    if not (questions := list(_json_lines(path, QUESTION_KEYS, ANSWER_KEYS))):
        raise ManifestError(f"{path} holds no questions; a line has audio and answer")
    return questions


def _json_lines(path: Path, text_keys: tuple[str, ...], answer_keys: tuple[str, ...]) -> Iterator[SpeechSample]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ManifestError(f"{path}:{number}: {error}") from None
        yield _recording(path, number, entry, text_keys, answer_keys)


def _csv(path: Path, text_keys: tuple[str, ...], answer_keys: tuple[str, ...]) -> Iterator[SpeechSample]:
    """CSV with a header, or as OpenSTT writes it: the last two columns are the paths of the sound and of its text."""
    with path.open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.reader(lines), 1):
            if number == 1 and set(row) & {*AUDIO_KEYS, *TEXT_KEYS}:
                names = row
                yield from (
                    _recording(path, at, dict(zip(names, cells, strict=False)), text_keys, answer_keys)
                    for at, cells in enumerate(csv.reader(lines), 2)
                )
                return
            yield _open_stt(path, number, row)


def _open_stt(path: Path, number: int, row: list[str]) -> SpeechSample:
    paths = [cell for cell in row if Path(cell).suffix.lower() in SUFFIXES]
    if not paths:
        raise ManifestError(f"{path}:{number}: no cell names a sound file ({', '.join(SUFFIXES)})")
    texts = [path.parent / cell for cell in row if cell.endswith(".txt")]
    text = texts[0].read_text(encoding="utf-8").strip() if texts else row[-1]
    return SpeechSample(Path(paths[0]).stem, path.parent / paths[0], text)


def _recording(
    path: Path, number: int, entry: dict[str, Any], text_keys: tuple[str, ...], answer_keys: tuple[str, ...]
) -> SpeechSample:
    audio, text = _first(entry, AUDIO_KEYS), _first(entry, text_keys)
    answer = _first(entry, answer_keys)
    wanted: dict[str, tuple[str | None, tuple[str, ...]]] = {"the sound": (audio, AUDIO_KEYS)}
    wanted |= {"the answer": (answer, answer_keys)} if answer_keys else {"the text": (text, text_keys)}
    for what, (value, keys) in wanted.items():
        if value is None:
            raise ManifestError(f"{path}:{number}: {what} is missing; it stands under one of {', '.join(keys)}")
    return SpeechSample(str(entry.get("id", number)), path.parent / str(audio), text, str(answer or ""))


def _first(entry: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    """The first value under one of the keys. BIG-bench Audio nests the path of the sound one level deeper."""
    for key in keys:
        value = entry.get(key)
        if isinstance(value, dict):
            value = value.get("path")
        if isinstance(value, str | int | float):
            return str(value)
    return None


def _librispeech(folder: Path) -> Iterator[SpeechSample]:
    for transcript in sorted(folder.rglob(LIBRISPEECH)):
        for line in transcript.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            sounds = [transcript.parent / f"{name}{suffix}" for suffix in SUFFIXES]
            sound = next((path for path in sounds if path.exists()), sounds[0])
            yield SpeechSample(name, sound, text.strip())
