"""A short session: what the UI sent and what a worker answered."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import Abort, GenerationRequest, LoadModel, SamplingParams, SetOptions, Submit
from playground.protocol.events import (
    RequestFinished,
    SlotWork,
    Step,
    StepsExecuted,
    TokensGenerated,
    WorkerExited,
    WorkerReady,
)
from playground.protocol.metrics import RequestMetrics
from playground.protocol.options import EngineOptions
from playground.session.recorder import Recorder
from playground.session.recording import Message

# Seconds since the start, and what passed then.
SESSION: list[tuple[float, Message]] = [
    (0.0, WorkerReady(pid=7, role="engine", clock=100.0, capabilities=Capabilities(engine="scripted"))),
    (0.25, LoadModel(model="tiny-coder", options=EngineOptions(kv_cache="int8", prefix_cache=False))),
    (
        1.5,
        Submit(requests=[GenerationRequest(request_id="A", prompt="ä [b]\x1b[31m", sampling=SamplingParams(seed=3))]),
    ),
    (
        1.75,
        StepsExecuted(steps=[Step(index=0, start=101.7, seconds=0.01, slots=[SlotWork(phase="prefill", tokens=5)])]),
    ),
    (2.0, TokensGenerated(request_id="A", token_ids=[5, 6], times=[101.9, 101.95], text="def \n")),
    (2.0, SetOptions(changes={"kv_cache": "int4", "prefix_cache": True, "max_batch": 4}, at_step=9)),
    (2.5, Abort(request_id="A")),
    (3.0, RequestFinished(request_id="A", reason="abort", metrics=RequestMetrics(prompt_tokens=5, output_tokens=2))),
    (4.0, WorkerExited(code=-9, log_tail="Killed\n")),
]


@pytest.fixture
def session() -> list[tuple[float, Message]]:
    return SESSION


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The session above, recorded."""
    moments = iter([1000.0, *(1000.0 + t for t, _ in SESSION)])
    path = tmp_path / "new" / "session.jsonl"
    with closing(Recorder(path, engine="scripted", clock=lambda: next(moments))) as recorder:
        for _, message in SESSION:
            recorder.add(message)
    return recorder.path
