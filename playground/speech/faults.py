"""Errors between a microphone and a text, as a user reads them."""

from __future__ import annotations

from playground.protocol.fault import Fault


class SpeechError(Fault):
    """A request cannot be done: one line of what happened, one of what to do."""
