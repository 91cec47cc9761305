"""Lines that tell the user what went wrong and what to do next."""

from __future__ import annotations

import signal

from playground.protocol.events import WorkerExited
from playground.protocol.speech_events import TranscriptFinished
from playground.tui.state.request import RequestState
from playground.tui.state.state import State

RESTART = "^Y restarts it as it was, ^L shows its log"


def death(exited: WorkerExited) -> tuple[str, str]:
    """(message, advice) for the death of the worker."""
    how = f"code {exited.code}"
    if exited.code < 0:
        try:
            how = signal.Signals(-exited.code).name
        except ValueError:
            how = f"signal {-exited.code}"
    return f"the engine process died ({how})", RESTART


def advice(state: State) -> str:
    """What to do next, for a conversation that is empty."""
    if state.replaying:
        return "The recording is played here.\nSpace holds it; → then takes one step."
    if state.model.loading:
        return "The model is being loaded. Type already:\nthe prompt goes out when it is ready."
    if state.model.exited:
        return f"The engine is down. {RESTART}."
    if state.facts is None and state.capabilities.engine == "openai":
        return "No server is connected.\nEnter tries it again."
    if state.facts is None:
        return "No model is loaded.\n^O picks one, Enter loads the bundled one."
    return "Type a prompt and press Enter.\n↑ brings prompts to begin with.\n^S makes answers longer."


def request_fault(request: RequestState) -> tuple[str, str] | None:
    """(message, advice) for a failed request; None if it did not fail."""
    finished = request.finished
    if finished is None or finished.reason != "error":
        return None
    return finished.message or "the request failed", ""


def transcript_note(transcript: TranscriptFinished) -> str:
    """What a user should know about a transcript in addition to its text; may be empty."""
    if transcript.message and transcript.reason != "error":
        return transcript.message
    if transcript.dropped:
        reasons = ", ".join(sorted({each.reason for each in transcript.dropped}))
        return f"{len(transcript.dropped)} left out of the transcript ({reasons}); F9 shows what"
    return "" if transcript.text or transcript.message else "no speech was heard"
