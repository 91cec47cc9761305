"""What a server that somebody else runs tells of itself."""

from __future__ import annotations

from playground.protocol.events import Event


class ServerMeasured(Event, frozen=True):
    """What a server's own metrics said at `time`, of all its clients together; None where it does not tell. Shares are
    0 to 1; prefix hits and accepted drafts as the server counts them, mostly since its start."""

    time: float
    running: float | None = None
    waiting: float | None = None
    kv_usage: float | None = None
    prefix_hits: float | None = None
    acceptance: float | None = None
