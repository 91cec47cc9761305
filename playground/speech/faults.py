"""What can go wrong between a microphone and a text, in the words that a user reads."""

from __future__ import annotations


class SpeechError(Exception):
    """Something asked for cannot be done: one line of what happened, one of what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message, self.advice = message, advice
