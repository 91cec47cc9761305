"""The toggles: requested and effective values, those being switched, and the effect of the last switch."""

from __future__ import annotations

from playground.protocol.commands import SetOptions
from playground.protocol.events import OptionsApplied
from playground.protocol.options import EngineOptions
from playground.protocol.steps import Step
from playground.tui.state.decode_meter import DecodeMeter
from playground.tui.state.draft_meter import DraftMeter
from playground.tui.state.switch import Switch


class ToggleState:
    """`reasons` says why an effective value is not the requested one; `switching` names the toggles being changed;
    `switch` is the last one that the user made, `applied` the newest of all; `by_user`: they are the same."""

    def __init__(self) -> None:
        self.requested = EngineOptions()
        self.effective: dict[str, str] = {}
        self.reasons: dict[str, str] = {}
        self.switching: list[str] = []
        self.switch: Switch | None = None
        self.applied: OptionsApplied | None = None
        self.drafts = DraftMeter()
        self._meter = DecodeMeter()
        self.by_user = True

    def begin(self, command: SetOptions, measuring: bool) -> None:
        """Toggles are being changed; by a measurement, if one runs or the command says so."""
        self.switching, self.by_user = list(command.changes), not (measuring or command.measuring)

    def apply(self, event: OptionsApplied) -> None:
        """The engine has changed them, or reports those that it started with."""
        if event.changed:
            self.applied = event
            before, self._meter = self._meter, DecodeMeter(self._meter.contexts)
            if self.by_user:
                idle = bool(self.effective) and event.effective == self.effective
                self.switch = Switch(event, self.requested, before, self._meter, idle)
            if set(event.changed) != {"speculation"}:
                self.drafts = DraftMeter()
        self.requested, self.effective, self.reasons = event.requested, event.effective, event.reasons
        self.switching = []

    def add_step(self, step: Step) -> None:
        """A step, for the speed before and after a switch."""
        self._meter.add(step)
        self.drafts.add(step)

    def lose_model(self) -> None:
        """Without a model nothing is effective; what is requested stays."""
        self.effective, self.reasons, self.switching = {}, {}, []

    def forget_speed(self) -> None:
        """Another model has other speeds."""
        self.switch = None
        self._meter, self.drafts = DecodeMeter(), DraftMeter()
