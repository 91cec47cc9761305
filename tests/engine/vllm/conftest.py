"""vLLM lives in another environment: PLAYGROUND_VLLM_PYTHON names its interpreter, else these tests are skipped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from playground import paths
from playground.protocol.commands import GenerationRequest, SetOptions
from playground.protocol.events import Failed, OptionsApplied, StepsExecuted, TokensGenerated
from playground.protocol.options import Value
from playground.protocol.steps import Step
from tests.engine.transformers.faults.live_worker import LiveWorker, line_of

PYTHON = os.environ.get("PLAYGROUND_VLLM_PYTHON", "")
OPTIONS: dict[str, Any] = {"dtype": "float32", "kv_blocks": "64", "device": "cpu"}


class VllmWorker(LiveWorker):
    """A worker of the vLLM engine, with the events since a request was sent."""

    patience_s = 240.0

    def __init__(self, folder: Path) -> None:
        homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        super().__init__(folder / "log", homes | {"HF_HUB_OFFLINE": "1"}, engine="vllm", python=PYTHON)

    def set(self, **changes: Value) -> OptionsApplied:
        """Change toggles; it must work."""
        self.send(SetOptions(changes=changes))
        answer = self.wait(OptionsApplied, Failed)
        assert isinstance(answer, OptionsApplied), line_of(answer)
        return answer

    def generate(self, *requests: GenerationRequest) -> list[list[int]]:
        """Output ids of requests that run together, in their order."""
        since = len(self.events)
        self.finish(*requests)
        return [self.output(request.request_id, since) for request in requests]

    def output(self, request_id: str, since: int = 0) -> list[int]:
        """Output ids in the events from number `since` on."""
        events = [event for event in self.events[since:] if isinstance(event, TokensGenerated)]
        return [token_id for event in events if event.request_id == request_id for token_id in event.token_ids]

    def steps(self, since: int, *ended: str) -> list[Step]:
        """Steps in the events from number `since` on, the last of these requests included."""
        self._seen, left = since, set(ended)
        while left:
            left -= {request_id for step in self.wait(StepsExecuted).steps for request_id in step.finished}
        events = [event for event in self.events[since:] if isinstance(event, StepsExecuted)]
        return [step for event in events for step in event.steps]

    def kill(self) -> None:
        """End it and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="session")
def vllm_python() -> str:
    """The interpreter of vLLM's environment."""
    if not PYTHON:
        pytest.skip("PLAYGROUND_VLLM_PYTHON names no interpreter with vLLM")
    return PYTHON


@pytest.fixture(scope="session")
def session_worker(vllm_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmWorker]:
    """One worker for all tests: each start of vLLM takes seconds."""
    worker = VllmWorker(tmp_path_factory.mktemp("vllm"))
    worker.load(paths.bundled_model(), **OPTIONS)
    yield worker
    worker.kill()


@pytest.fixture
def worker(session_worker: VllmWorker) -> VllmWorker:
    """The worker, with the options that every test starts from."""
    applied = session_worker.of(OptionsApplied)[-1].requested
    wanted = {"kv_cache": "model", "speculation": "off", "prefix_cache": True, "max_batch": 8, **OPTIONS}
    if changes := {name: value for name, value in wanted.items() if getattr(applied, name) != value}:
        session_worker.set(**changes)
    return session_worker
