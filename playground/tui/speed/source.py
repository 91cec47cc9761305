"""Chooses the numbers of the speed panel: those of the newest request that has any."""

from __future__ import annotations

import msgspec

from playground.tui.letters import Letters
from playground.tui.speed.view import SpeedView
from playground.tui.state.request import NEWEST_GAPS, RequestState
from playground.tui.state.state import State


def speed_view(state: State, letters: Letters) -> SpeedView:
    """The speed of the newest request that has begun, or else of the newest of all."""
    requests = list(state.requests.values())
    begun = [request for request in requests if request.tokens]
    request = next(reversed(begun or requests), None)
    if request is None:
        return SpeedView(replay=state.replaying)
    view = SpeedView.of(letters[request.request_id], request.metrics, _gaps(request), state.replaying)
    if request.finished:
        return view
    return msgspec.structs.replace(view, running=True, tps=request.recent_tps)


def _gaps(request: RequestState) -> tuple[float, ...]:
    newest = request.timer.gaps[-NEWEST_GAPS:]
    return tuple(gap / count for gap, count in newest for _ in range(count))[-NEWEST_GAPS:]
