"""One switch of toggles, measured here: the speed before it and after it."""

from __future__ import annotations

import msgspec

from playground.protocol.events import OptionsApplied
from playground.protocol.options import EngineOptions, changed_names, format_value
from playground.tui.state.decode_meter import DecodeMeter, Rate


class Switch(msgspec.Struct):
    """`after` measures until the next switch, whose `before` it becomes. `idle`: nothing effective changed, e.g. `auto`
    had already chosen this value."""

    applied: OptionsApplied
    requested_before: EngineOptions
    before: DecodeMeter = msgspec.field(default_factory=DecodeMeter)
    after: DecodeMeter = msgspec.field(default_factory=DecodeMeter)
    idle: bool = False

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """(toggle, requested before, requested now)."""
        names = changed_names(self.requested_before, self.applied.requested)
        before, now = self.requested_before, self.applied.requested
        return [(name, format_value(getattr(before, name)), format_value(getattr(now, name))) for name in names]

    @property
    def rates(self) -> tuple[Rate, Rate] | None:
        """Decode TPS just before and just after, with equal numbers of requests; None until both are known."""
        after = self.after.first()
        before = self.before.newest(after.rows) if after else None
        return (before, after) if before and after else None
