"""Brings a preset or a kept run onto what runs: toggles are switched, and another model is loaded."""

from __future__ import annotations

from playground.preset import Preset
from playground.protocol.option_text import OptionError, parse_value
from playground.protocol.options import DEFAULTS, TOGGLES, EngineOptions, with_changes
from playground.session.history.run import Run
from playground.tui.session import NotNow, Session


async def apply_preset(session: Session, preset: Preset) -> str:
    """Set its options and sampling; returns the line to show. What only a reload changes stays, unless it names it."""
    _require_settled(session)
    state = session.state
    engine = state.capabilities.engine
    if preset.engine not in ("auto", engine or preset.engine):
        raise NotNow(f"{preset.title} is for the {preset.engine} engine, and this session is on {engine}")
    now = state.toggles.requested
    stays = {name: getattr(now, name) for name, toggle in TOGGLES.items() if toggle.cost == "reload"}
    options = preset.engine_options({name: value for name, value in stays.items() if name not in preset.options})
    await _bring(session, _model_of_preset(session, preset), options)
    session.sampling = preset.sampling
    return f"{preset.title}: {preset.summary}" + (" ↑ brings its prompts." if preset.prompts else "")


async def recall_run(session: Session, run: Run) -> str:
    """Restore model, options, sampling and prompt of a kept run in F2; returns the line to show."""
    _require_settled(session)
    if session.state.requests.unfinished:
        raise NotNow("requests run, and other options would change them; F2, then Esc stops them")
    engine = session.state.capabilities.engine
    if run.engine and engine and run.engine != engine:
        raise NotNow(f"this run was on the {run.engine} engine, and this session is on {engine}")
    options, model = _options_of_run(run), _model_of_run(session, run)
    session.draft, session.conversation.chat = run.prompt, run.chat
    session.sampling = run.sampling or session.sampling
    await _bring(session, model, options)
    what = "options and sampling" if run.sampling else "options"
    return f"the {what} of that run are set; Enter runs its prompt again"


def _require_settled(session: Session) -> None:
    """Raise `NotNow` in a replay, during a measurement, and while it is open what the toggles will be."""
    session.require_live()
    session.require_undisturbed()
    if session.state.toggles.switching:
        raise NotNow("an option is being switched; choose again at its end")


async def _bring(session: Session, model: str, options: EngineOptions) -> None:
    """Switch what differs if it is the model that is loaded, else load it."""
    if session.state.facts and session.current_load().model == model:
        session.switch_to(options)
    else:
        await session.load(model, options)


def _model_of_preset(session: Session, preset: Preset) -> str:
    """As a load names it; a preset without one keeps the model that is loaded, is being loaded or was asked for."""
    facts, loading = session.state.facts, session.state.model.loading
    if facts and preset.model in ("", facts.name, facts.path):
        return session.current_load().model
    return preset.model or (loading.model if loading else session.asked.model)


def _model_of_run(session: Session, run: Run) -> str:
    """As a load names it: by its path, and on a server by its name."""
    url = session.asked.url
    if url and "://" in run.model_path and run.model_path != url.rstrip("/"):
        raise NotNow(f"this run was on the server {run.model_path}, and this session is on {url}")
    return run.model if url else run.model_path


def _options_of_run(run: Run) -> EngineOptions:
    try:
        return with_changes(DEFAULTS, {name: parse_value(name, text) for name, text in run.options.items()})
    except OptionError as error:
        raise NotNow(f"the options of this run are not known here: {error}") from None
