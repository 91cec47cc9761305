"""Both answers side by side: what is not in the other stands out, and where they part is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from playground.bench.compare.diff import MARK, Piece, diff
from playground.protocol.comparison import SideName
from playground.text.plain import one_line, printable
from playground.tui.state.compare import CompareState

LABEL = "$meaning-waiting"
SIDES: tuple[SideName, ...] = ("A", "B")


class CompareTexts(Horizontal):
    """Two panels that scroll."""

    DEFAULT_CSS = """
    CompareTexts { height: 1fr; }
    CompareTexts VerticalScroll { width: 1fr; padding: 0 1; background: $surface; border-left: blank; }
    CompareTexts VerticalScroll:focus { border-left: outer $accent; }
    CompareTexts #side-A { margin-right: 1; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._shown: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        for side in SIDES:
            with VerticalScroll(id=f"side-{side}"):
                yield Static(id=f"text-{side}")

    def show(self, compare: CompareState) -> None:
        """Redraw if a text changed."""
        found = compare.comparison
        texts = [printable(found.text(side)) for side in SIDES]
        shown = (compare.a, compare.b, *texts)
        if shown == self._shown:
            return
        self._shown = shown
        both = bool(found.of("A") and found.of("B"))
        pieces = diff(*texts) if both else tuple([Piece(text, True)] for text in texts)
        for side, spelled, own in zip(SIDES, (compare.a, compare.b), pieces, strict=True):
            title = Content.assemble((f"{side}  ", "bold $accent"), (one_line(spelled), "bold"), "\n")
            self.query_one(f"#text-{side}", Static).update(Content("").join([title, _drawn(own)]))


def _drawn(pieces: Sequence[Piece]) -> Content:
    """The first piece that differs gets the mark."""
    first = next((at for at, piece in enumerate(pieces) if not piece.same), None)
    drawn = []
    for at, piece in enumerate(pieces):
        if at == first:
            drawn.append(Content.styled(MARK, "bold $accent"))
        drawn.append(Content(piece.text) if piece.same else Content.styled(piece.text, "underline $accent"))
    return Content("").join(drawn)
