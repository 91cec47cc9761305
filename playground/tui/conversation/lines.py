"""The conversation as lines: who speaks in a narrow column, what is said beside it. Knows nothing of Textual."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec

from playground.text.plain import printable, text_size
from playground.tui.conversation.wrapping import Span, WrappedText
from playground.tui.letters import Letter

Voice = Literal["user", "model", "note", "error"]
MARGIN = 9
LONGEST_SHOWN = 4000


class Block(msgspec.Struct):
    """What one voice says in one request; `open` while more comes."""

    voice: Voice
    speaker: str
    letter: Letter | None
    body: WrappedText
    open: bool = False

    @property
    def height(self) -> int:
        """Its lines, and an empty one after what belongs together."""
        return len(self.body.lines) + (self.voice in ("note", "error"))


class Line(NamedTuple):
    """One drawn line: `first` has the speaker, `last` is where an open block grows. `marks`: see `WrappedText`."""

    block: Block
    text: str
    first: bool
    last: bool
    marks: str = ""


class TranscriptLines(msgspec.Struct):
    """Blocks from top to bottom; those of one request stay together, however many requests grow at once."""

    width: int = 80
    blocks: list[Block] = msgspec.field(default_factory=list)
    _starts: list[int] = msgspec.field(default_factory=list)
    _answers: dict[str, Block] = msgspec.field(default_factory=dict)

    @property
    def height(self) -> int:
        """All lines."""
        return self._starts[-1] + self.blocks[-1].height if self.blocks else 0

    def begin(self, request_id: str, letter: Letter, prompt: str, chat: bool) -> None:
        """A prompt was sent; its answer grows under it."""
        shown = prompt if len(prompt) <= LONGEST_SHOWN else f"{prompt[:LONGEST_SHOWN]}… {text_size(prompt)} in all"
        self._add("user", "you" if chat else "base", letter, shown)
        self._answers[request_id] = self._add("model", "model" if chat else "text", None, "")
        self._answers[request_id].open = True

    def append(self, request_id: str, text: str, drafts: Sequence[Span] = ()) -> int | None:
        """More of an answer, and the spans of it that accepted drafts brought; returns the first line that is not as it
        was."""
        block = self._answers.get(request_id)
        if block is None:
            return None
        height = block.height
        first = self._starts[self.blocks.index(block)] + block.body.append(printable(text), _spans_left(text, drafts))
        if block.height != height:
            self._place()
        return first

    def end(self, request_id: str, voice: Voice, note: str) -> None:
        """An answer is complete; a line under it says how it ended."""
        block = self._answers.pop(request_id, None)
        if block is not None:
            block.open = False
            block.body.trim()
            ended = Block(voice, "", None, WrappedText(printable(note), self._room))
            self.blocks.insert(self.blocks.index(block) + 1, ended)
            self._place()

    def clear(self) -> None:
        """Begin anew; answers that still grow stay."""
        growing = {id(block) for block in self._answers.values()}
        kept = [index for index, block in enumerate(self.blocks) if id(block) in growing]
        self.blocks = [self.blocks[index + offset] for index in kept for offset in (-1, 0)]
        self._place()

    def rewrap(self, width: int) -> None:
        """Wrap to another width."""
        self.width = width
        for block in self.blocks:
            block.body.rewrap(self._room)
        self._place()

    def line(self, y: int) -> Line | None:
        """One line; None is an empty one."""
        index = bisect_right(self._starts, y) - 1
        if not 0 <= y < self.height or index < 0:
            return None
        block, row = self.blocks[index], y - self._starts[index]
        lines = block.body.lines
        if row >= len(lines):
            return None
        return Line(block, lines[row], row == 0, row == len(lines) - 1, block.body.marks[row])

    @property
    def _room(self) -> int:
        return max(8, self.width - MARGIN)

    def _add(self, voice: Voice, speaker: str, letter: Letter | None, text: str) -> Block:
        block = Block(voice, speaker, letter, WrappedText(printable(text), self._room))
        self.blocks.append(block)
        self._place()
        return block

    def _place(self) -> None:
        self._starts = list(accumulate((block.height for block in self.blocks[:-1]), initial=0)) if self.blocks else []


def _spans_left(text: str, spans: Sequence[Span]) -> list[Span]:
    """Where spans of `text` lie once what cannot be printed is gone."""
    return [(len(printable(text[:start])), len(printable(text[:end]))) for start, end in spans]
