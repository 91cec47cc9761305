"""What a remote server reports about itself."""

from __future__ import annotations

from playground.protocol.events import Event


class ServerMeasured(Event, frozen=True):
    """A server's own metrics at `time`, over all its clients; None where it does not report one. Shares are 0 to 1;
    prefix hits and accepted drafts are as the server counts them, mostly since its start."""

    time: float
    running: float | None = None
    waiting: float | None = None
    kv_usage: float | None = None
    prefix_hits: float | None = None
    acceptance: float | None = None
