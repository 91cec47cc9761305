"""The conversation as lines: speakers in a narrow column, texts to the right of it. Knows nothing of Textual."""

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
    """What one voice says in one request; `open` while more text may come."""

    voice: Voice
    speaker: str
    letter: Letter | None
    body: WrappedText
    open: bool = False

    @property
    def height(self) -> int:
        """Its lines; a note or an error, which ends a request, has an empty line below it."""
        return len(self.body.lines) + (self.voice in ("note", "error"))


class Line(NamedTuple):
    """One line to draw: a block's `first` has the speaker, an open block's `last` grows. `marks`: see `WrappedText`."""

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
        """The number of lines."""
        return self._starts[-1] + self.blocks[-1].height if self.blocks else 0

    def begin(self, request_id: str, letter: Letter, prompt: str, chat: bool) -> None:
        """Add a prompt; its answer grows below it."""
        shown = prompt if len(prompt) <= LONGEST_SHOWN else f"{prompt[:LONGEST_SHOWN]}… {text_size(prompt)} in all"
        self._add("user", "you" if chat else "base", letter, shown)
        self._answers[request_id] = self._add("model", "model" if chat else "text", None, "")
        self._answers[request_id].open = True

    def append(self, request_id: str, text: str, drafts: Sequence[Span] = ()) -> int | None:
        """Add text to an answer, with the spans that accepted drafts brought; returns the first line that changed."""
        block = self._answers.get(request_id)
        if block is None:
            return None
        height = block.height
        first = self._starts[self.blocks.index(block)] + block.body.append(printable(text), _spans_left(text, drafts))
        if block.height != height:
            self._place()
        return first

    def end(self, request_id: str, voice: Voice, note: str) -> None:
        """End an answer; a line below it says how it ended."""
        block = self._answers.pop(request_id, None)
        if block is not None:
            block.open = False
            block.body.trim()
            ended = Block(voice, "", None, WrappedText(printable(note), self._room))
            self.blocks.insert(self.blocks.index(block) + 1, ended)
            self._place()

    def clear(self) -> None:
        """Remove everything but the answers that still grow."""
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
        """One line; None if it is empty."""
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
    """Move spans of `text` to where they are once unprintable characters are removed."""
    return [(len(printable(text[:start])), len(printable(text[:end]))) for start, end in spans]
