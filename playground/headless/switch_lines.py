"""One line per switch of a run: when, from what to what as the engine reports it, and its cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.protocol.events import OptionsApplied
from playground.protocol.wire import AnyEvent
from playground.text.numbers import seconds


@dataclass
class _Switch:
    applied: OptionsApplied
    before: dict[str, str]
    after: dict[str, str]

    @property
    def line(self) -> str:
        names = self.applied.changed
        words = ", ".join(f"{name} {self.before.get(name, '–')} ▸ {self.after.get(name, '–')}" for name in names)
        return f"step {self.applied.step}: {words} ({self.applied.cost}, {seconds(self.applied.seconds)})"


@dataclass
class SwitchLines:
    """Collects switches from events."""

    _switches: list[_Switch] = field(default_factory=list)
    _effective: dict[str, str] = field(default_factory=dict)

    def add(self, event: AnyEvent | None) -> None:
        """Take the next event. Which attention runs is known one step after its switch, and then reported again."""
        if not isinstance(event, OptionsApplied):
            return
        if event.changed:
            self._switches.append(_Switch(event, self._effective, event.effective))
        elif self._switches:
            self._switches[-1].after = event.effective
        self._effective = event.effective

    @property
    def lines(self) -> list[str]:
        """The lines in order."""
        return [switch.line for switch in self._switches]
