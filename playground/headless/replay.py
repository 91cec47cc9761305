"""`playground replay`: plays a recording on the screen it was made on, or as text."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from playground.app_command import add_theme, open_replay
from playground.headless.printer import TextPrinter
from playground.headless.report import say
from playground.headless.target import require_file
from playground.protocol.commands import Submit
from playground.protocol.fault import with_advice
from playground.session.fold import Fold
from playground.session.recording import Entry
from playground.session.replay import Recording, play, read_recording
from playground.text.plain import one_line


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of `replay`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording made with --record")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="times as fast; 0 is as fast as possible"
    )
    parser.add_argument("--headless", action="store_true", help="as text, without a screen")
    add_theme(parser)


def main(args: Namespace) -> int:
    """Run the command; returns the exit code."""
    require_file(args.file)
    recording = read_recording(args.file)
    if not args.headless:
        return open_replay(recording, args.speed, args.theme)
    replay = _Replay(recording)
    asyncio.run(replay.play(args.speed))
    replay.end()
    return 0


class _Replay:
    """Folds and prints the entries of a recording, each at its time."""

    def __init__(self, recording: Recording) -> None:
        self._recording, self._fold = recording, Fold()
        submits = [entry.command for entry in recording if isinstance(entry.command, Submit)]
        self._printer = TextPrinter(sum(len(submit.requests) for submit in submits))
        self._entry: Entry | None = None

    async def play(self, speed: float) -> None:
        await play(self._remembered(self._recording), speed, self._take)

    def end(self) -> None:
        self._printer.end(self._fold)
        for failed in self._fold.failures:
            say(one_line(with_advice(failed.message, failed.advice)))
        if self._recording.truncated:
            say(self._recording.truncated)

    def _remembered(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._entry = entry
            yield entry

    def _take(self, _: object) -> None:
        assert self._entry
        self._fold.add(self._entry)
        self._printer.print(self._entry)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not speed >= 0:
        raise ArgumentTypeError(f"cannot be {text!r}; it takes a number from 0")
    return speed
