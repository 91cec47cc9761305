"""Runs a trial: a generator that switches options, submits requests, and yields until the engine has answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from playground.protocol.commands import Abort, SetOptions
from playground.protocol.options import Value
from playground.tui.session import NotNow, Session

Steps = Iterator[None]
DONE = object()


class TrialRunner:
    """Runs one trial at a time. `begin` takes a generator that yields while it waits; call `advance` after every
    update. A trial must restore the options and return once `stopped` is true."""

    def __init__(self, session: Session) -> None:
        self.bridge, self.state = session.bridge, session.state
        self._session = session
        self._steps: Steps = iter(())
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether the trial was stopped or its model is gone."""
        return self._stopped or self.state.facts is None

    def begin(self, steps: Steps) -> None:
        """Run up to the first wait; raises `NotNow`."""
        self.require_idle()
        self._stopped, self._steps, self.state.trial_running = False, steps, True
        self.advance()

    def require_idle(self) -> None:
        """Raise `NotNow` while anything runs that would disturb a measurement or be disturbed by it."""
        self._session.require_idle()
        if self.state.inside.measuring:
            raise NotNow("attention is being measured; Esc stops it")
        if self.state.toggles.switching:
            raise NotNow("an option is being switched, and a measurement would disturb it; wait for its end")

    def stop(self) -> None:
        """End the requests that run, and skip the rest."""
        self._stopped = True
        self.bridge.send(Abort())

    def advance(self) -> None:
        """Continue as far as the events so far allow."""
        if self.state.trial_running and next(self._steps, DONE) is DONE:
            self.state.trial_running = False

    def switch(self, options: Mapping[str, Value]) -> Steps:
        """Set the options that differ, and wait until they are set or refused."""
        requested = self.state.toggles.requested
        changes = {name: value for name, value in options.items() if getattr(requested, name) != value}
        if changes and self.state.facts:
            self.bridge.send(SetOptions(changes=changes, measuring=True))
            while self.state.toggles.switching:
                yield
