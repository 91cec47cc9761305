"""What can go wrong between a microphone and a text, in the words that a user reads."""

from __future__ import annotations

from playground.protocol.fault import Fault


class SpeechError(Fault):
    """Something asked for cannot be done: one line of what happened, one of what to do."""
