"""Replay: the same messages in the same order at the same times, and what is said of a file that is not right."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from playground.session.recording import Message, RecordingError
from playground.session.replay import TAIL, length, play, read_recording

HEADER = '{"format":"playground-recording","version":1}\n'
ABORT = '{"t":0.5,"command":{"type":"Abort"}}\n'
Session = list[tuple[float, Message]]


@dataclass
class Clock:
    """A clock that is set; sleeping on it takes no time."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_what_was_recorded_is_read_back(recorded: Path, session: Session) -> None:
    recording = read_recording(recorded)
    assert [(entry.t, entry.message) for entry in recording] == session
    assert [(entry.t, entry.message) for entry in recording] == session, "a second pass gives the same"
    assert recording.truncated == ""


def test_entries_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(HEADER + ABORT + "nonsense\n")
    entries = iter(read_recording(path))
    assert next(entries).t == 0.5
    with pytest.raises(RecordingError):
        next(entries)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_truncated_last_line_is_left_out_and_told(recorded: Path, session: Session, cut: int) -> None:
    recorded.write_bytes(recorded.read_bytes()[: -cut - 1])
    recording = read_recording(recorded)
    assert [entry.message for entry in recording] == [message for _, message in session[:-1]]
    assert (
        recording.truncated == f"{recorded}:{len(session) + 1}: the recording breaks off here; this line was left out"
    )


def test_a_last_line_that_lacks_only_its_end_is_read(recorded: Path, session: Session) -> None:
    recorded.write_bytes(recorded.read_bytes()[:-1])
    recording = read_recording(recorded)
    assert len(list(recording)) == len(session)
    assert recording.truncated == ""


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "this is no recording: its header line is missing"),
        (HEADER[:20], 1, "this is no recording: its header line is missing"),
        (ABORT, 1, "this is no recording: its header line is missing"),
        ("\x00\xff\n", 1, "this is no recording: its header line is missing"),
        ('{"format":"asciicast","version":2}\n', 1, "the format is 'asciicast' 2; this program reads 'playground-rec"),
        (HEADER.replace("1", "9"), 1, "the format is 'playground-recording' 9; this program reads 'playground-rec"),
        (HEADER + ABORT + "\n" + ABORT, 3, "this is no command or event: Input data was truncated"),
        (HEADER + '{"t":1}\n', 2, "this is no command or event: a line holds one command or one event"),
        (HEADER + ABORT.replace("0.5", "-1"), 2, "this is no command or event: Expected `float` >= 0.0 - at `$.t`"),
        (HEADER + ABORT + ABORT.replace("Abort", "Explode"), 3, "this is no command or event: Invalid value 'Explode'"),
        (HEADER + ABORT.replace("command", "event"), 2, "this is no command or event: Invalid value 'Abort'"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(RecordingError) as caught:
        list(read_recording(path))
    assert str(caught.value).startswith(f"{path}:{line}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (HEADER[:11].encode() + b"\xff" + HEADER[11:].encode(), 1, "this is no recording: its header line is missing"),
        (
            HEADER.encode() + b'{"t":1,"command":{"type":"Abort","request_id":"\xff"}}\n',
            2,
            "this is no command or ev",
        ),
    ],
    ids=["header", "entry"],
)
def test_what_is_no_utf8_names_file_and_line(tmp_path: Path, content: bytes, line: int, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        list(read_recording(path))
    assert str(caught.value).startswith(f"{path}:{line}: {message}")


def test_a_line_cut_within_a_letter_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(HEADER.encode() + ABORT.encode() + '{"t":1,"command":{"type":"Tokenize","key":"é'.encode()[:-1])
    recording = read_recording(path)
    assert len(list(recording)) == 1 and recording.truncated


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"^cannot read .*/none\.jsonl: No such file or directory$"):
        read_recording(tmp_path / "none.jsonl")


@pytest.mark.parametrize("end", ["", "{", "nonsense\n", ABORT[:-9] + "x" * 3 * TAIL])
def test_the_length_is_the_time_of_the_last_entry_that_can_be_read(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(HEADER + ABORT + ABORT.replace("0.5", "2.5") + end)
    assert length(read_recording(path)) == 2.5
    path.write_text(HEADER)
    assert length(read_recording(path)) == length([]) == 0.0


def test_the_length_of_entries_in_memory(recorded: Path, session: Session) -> None:
    assert length(list(read_recording(recorded))) == length(read_recording(recorded)) == session[-1][0]


@pytest.mark.parametrize("speed", [0.5, 1, 4])
async def test_messages_come_at_their_times_divided_by_the_speed(
    recorded: Path, session: Session, speed: float
) -> None:
    played: Session = []
    clock = Clock()
    start = clock.now
    await play(
        read_recording(recorded),
        speed,
        lambda message: played.append(((clock.now - start) * speed, message)),
        clock=clock,
        sleep=clock.sleep,
    )
    assert [message for _, message in played] == [message for _, message in session]
    assert [t for t, _ in played] == pytest.approx([t for t, _ in session])


async def test_a_slow_sink_is_caught_up_with(recorded: Path, session: Session) -> None:
    clock = Clock()

    def sink(message: Message) -> None:
        clock.now += 0.5 if message is not session[-1][1] else 0

    start = clock.now
    await play(read_recording(recorded), 1, sink, clock=clock, sleep=clock.sleep)
    assert clock.now - start == pytest.approx(5.0), "the lateness must not add up"


@pytest.mark.parametrize("speed", [0, float("inf")])
async def test_as_fast_as_possible_waits_for_nothing_but_lets_others_run(
    recorded: Path, session: Session, speed: float
) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    played: list[Message] = []
    begin = time.monotonic()
    await play(read_recording(recorded), speed, played.append)
    task.cancel()
    assert played == [message for _, message in session]
    assert time.monotonic() - begin < 1 < session[-1][0]
    assert turns >= len(session)


async def test_a_speed_that_is_none_is_refused() -> None:
    for speed in (-1, float("nan")):
        with pytest.raises(ValueError, match=r"^speed cannot be .*; it takes a number from 0"):
            await play([], speed, print)
