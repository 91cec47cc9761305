"""What changed since the last update of the screens."""

from __future__ import annotations

import msgspec

from playground.protocol.events import Failed
from playground.protocol.speech_events import TranscriptFinished
from playground.protocol.steps import Step
from playground.tui.state.request import RequestState


class Changes(msgspec.Struct):
    """Text, steps, requests that began or ended, faults, the end of a model.

    `anew`: a replay begins again, so everything before is void. `unloaded`: discard all earlier steps. `died`: the
    worker died; its last steps stay on screen. `drafts`: spans of a request's new text, joined, that accepted drafts
    brought. `forgotten`: ids of what a replayed new conversation left behind. `other`: more than text, steps and memory
    changed, so every widget may look different.
    """

    started: list[RequestState] = msgspec.field(default_factory=list)
    texts: dict[str, list[str]] = msgspec.field(default_factory=dict)
    drafts: dict[str, list[tuple[int, int]]] = msgspec.field(default_factory=dict)
    finished: list[RequestState] = msgspec.field(default_factory=list)
    steps: list[Step] = msgspec.field(default_factory=list)
    failures: list[Failed] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    anew: bool = False
    unloaded: bool = False
    died: bool = False
    transcripts: list[TranscriptFinished] = msgspec.field(default_factory=list)
    forgotten: set[str] = msgspec.field(default_factory=set)
    other: bool = False
