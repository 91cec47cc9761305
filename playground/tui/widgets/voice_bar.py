"""The microphone's level and the words as they come, shown while the microphone is open or speech is transcribed.
Confirmed words are bold, words that may change are dim."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from playground.text import numbers
from playground.text.plain import one_line
from playground.tui.state.state import State
from playground.tui.state.voice import VoiceState
from playground.tui.styles import MUTED

METER = 16
QUIETEST_DB, LOUD_DB = -60.0, -6.0
LAG_WORTH_TELLING_S = 3.0
LEAST_NAME, MOST_NAME = 5, 40


class VoiceBar(Widget):
    """Two lines; hidden without speech."""

    DEFAULT_CSS = """
    VoiceBar {
        height: 2; padding: 0 1; display: none; background: $surface; text-wrap: nowrap; text-overflow: ellipsis;
    }
    VoiceBar.-shown { display: block; }
    """

    def __init__(self, **widget: Any) -> None:
        super().__init__(**widget)
        self._lines: tuple[Content, Content] = (Content(), Content())
        self._state: State | None = None

    def show(self, state: State) -> None:
        """Redraw if anything changed."""
        self._state, voice = state, state.voice
        shown = voice.open or voice.busy
        self.set_class(shown, "-shown")
        if not shown:
            return
        width = max(20, self.size.width)
        lines = device_line(voice, width), words_line(voice, width)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def on_resize(self) -> None:
        """Lay out for the width, which is known only once the bar is visible."""
        if self._state:
            self.show(self._state)

    def render(self) -> Content:
        return Content("\n").join(self._lines)


def device_line(voice: VoiceState, width: int) -> Content:
    """The meter, or the progress of a file. The device's name gets the room that is left."""
    update = voice.update
    if not voice.open:
        share = update.position_s / update.total_s if update and update.total_s else None
        return Content.assemble(("transcribing  ", "bold"), (numbers.percent(share), MUTED), ("   Esc stops", MUTED))
    microphone, level = voice.microphone, voice.level
    if microphone and microphone.state == "lost":
        return Content.styled(one_line(microphone.note, 200), "$warning")
    name = microphone.input if microphone else ""
    if level is None:
        return Content.assemble(("mic ", "bold"), (f"{one_line(name, MOST_NAME)}  opening", MUTED))
    line = Content.assemble(
        ("mic ", "bold $success" if level.speech else "bold"),
        *_meter(level.rms_db, level.peak_db),
        (f" {level.rms_db:4.0f} dB {level.seconds:6.1f} s", MUTED),
        *(("  " + note, "$warning") for note in _notes(voice)),
        ("" if voice.facts else "  loading the recogniser", MUTED),
    )
    room = min(width - line.cell_length - 2, MOST_NAME)
    return Content.assemble(line, (f"  {one_line(name, room)}" if room >= LEAST_NAME else "", MUTED))


def words_line(voice: VoiceState, width: int) -> Content:
    """The end of the text, which is what is being said."""
    update = voice.update
    certain = " ".join([*voice.texts[-width:], update.confirmed if update else ""]).strip()
    partial = update.partial if update else ""
    certain, partial = one_line(certain), one_line(partial)
    if not certain and not partial:
        return Content.styled(one_line(_invitation(voice)), MUTED)
    partial = _end(partial, width - 3)
    certain = _end(certain, width - 2 - cell_len(partial))
    return Content.assemble((certain, "bold"), " " if certain and partial else "", (partial, f"{MUTED} italic"))


def _invitation(voice: VoiceState) -> str:
    if not voice.open:
        return "the words go to the prompt"
    if voice.update and voice.update.finals_only:
        return f"speak; {voice.update.finals_only}"
    return "speak; ^T ends, and the words go to the prompt"


def _end(text: str, room: int) -> str:
    """As much of the end of a text as fits into `room` cells, after … if it is cut."""
    if cell_len(text) <= room:
        return text
    end = text[len(text) - max(0, room - 1) :]
    while cell_len(end) > max(0, room - 1):
        end = end[1:]
    return f"…{end}"


def _meter(rms_db: float, peak_db: float) -> list[tuple[str, str]]:
    def cells(level: float) -> int:
        return round(METER * min(1.0, max(0.0, (level - QUIETEST_DB) / -QUIETEST_DB)))

    filled, peak = cells(rms_db), max(cells(rms_db), cells(peak_db))
    colour = "$warning" if peak_db > LOUD_DB / 6 else "$success"
    return [
        ("█" * filled, colour),
        ("▒" * (peak - filled), colour),
        ("░" * (METER - peak), MUTED),
    ]


def _notes(voice: VoiceState) -> list[str]:
    level, update = voice.level, voice.update
    notes = []
    if level and level.overflows:
        notes.append(f"{numbers.seconds(level.lost_s)} lost in {level.overflows} overflows")
    if level and level.lag_s > LAG_WORTH_TELLING_S:
        notes.append(f"{level.lag_s:.0f} s behind")
    if update and update.finals_only:
        notes.append("words at pauses only")
    if update and update.lag_s and not update.finals_only:
        notes.append(f"words {update.lag_s:.1f} s old")
    return notes
