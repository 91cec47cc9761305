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
    def rates(self) -> tuple[Rate | None, Rate | None]:
        """Decode TPS just before and just after, each None until it is known: with equal numbers of requests if there
        is such a number, else just before the switch and most frequently after it."""
        before = sorted(self.before.known, key=lambda rows: rows != self.before.rows)
        after = self.after.known
        both = [rows for rows in after if rows in before]
        was, now = both or before or [0], both or after or [0]
        return self.before.newest(was[0]), self.after.first(now[0])
