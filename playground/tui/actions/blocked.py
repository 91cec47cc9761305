"""Why an action cannot be done now: one line for the user, empty if it can be done."""

from __future__ import annotations

from playground.tui.actions.action import Blocked
from playground.tui.session import running_measurement
from playground.tui.state.state import State
from playground.tui.toggles.rows import flipped


def replay(state: State) -> str:
    """A replay cannot be changed."""
    return "this is a replay" if state.replaying else ""


def measuring(state: State) -> str:
    """A measurement must not be disturbed."""
    return replay(state) or running_measurement(state)


def not_ours(state: State) -> str:
    """A server's model is its owner's choice, or that of the command line among several."""
    elsewhere = "the server has its own; to take another of its models: playground --engine openai --url URL MODEL"
    return measuring(state) or (elsewhere if state.capabilities.engine == "openai" else "")


def no_model(state: State) -> str:
    """No model is loaded to run anything on."""
    return measuring(state) or ("" if state.facts else "no model is loaded")


def no_bench(state: State) -> str:
    """No benchmark runs."""
    return replay(state) or ("" if state.benching else "no benchmark runs")


def no_load(state: State) -> str:
    """No load is being measured."""
    return replay(state) or ("" if state.load.busy else "no load is running")


def no_comparison(state: State) -> str:
    """No comparison is running."""
    return replay(state) or ("" if state.compare.busy else "no comparison is running")


def nothing_runs(state: State) -> str:
    """Nothing can be stopped: no request, load, conversion or transcript."""
    runs = state.requests.unfinished or state.model.loading or state.model.progress or state.voice.busy
    return replay(state) or ("" if runs else "nothing runs that could be stopped")


def not_several(state: State) -> str:
    """Fewer than two requests run."""
    return replay(state) or ("" if len(state.requests.unfinished) > 1 else "fewer than two requests run")


def nothing_to_mend(state: State) -> str:
    """No request has keys and values that went through a coarser KV cache."""
    spoiled = "(from" in state.toggles.effective.get("kv_cache", "")
    return replay(state) or ("" if spoiled else "no request went through a coarser KV cache")


def healthy(state: State) -> str:
    """The engine has not failed."""
    return replay(state) or ("" if state.status == "failed" else "the engine is well")


def cannot_flip(name: str) -> Blocked:
    """Return a check for why the key of a toggle has nothing to flip to."""

    def blocked(state: State) -> str:
        return measuring(state) or ("no model is loaded" if not state.facts else flipped(state, name)[1])

    return blocked
