"""A real worker process on pipes, one line at a time, and its events as a user would read them."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from playground.protocol.commands import Command, GenerationRequest, LoadModel, SamplingParams, Submit
from playground.protocol.events import Event, Failed, ModelLoaded, OptionsApplied, RequestFinished, WorkerReady
from playground.protocol.fault import with_advice
from playground.protocol.options import EngineOptions
from playground.protocol.wire import decode_event, encode_line
from playground.text.plain import one_line

Kind = TypeVar("Kind", bound=Event)
TIMEOUT_S = 90.0


class LiveWorker:
    """`events` holds all events in order; waiting only looks at those after the last command."""

    patience_s = TIMEOUT_S

    def __init__(
        self,
        log: Path,
        environment: dict[str, str],
        before: Callable[[], None] | None = None,
        engine: str = "transformers",
        python: str = sys.executable,
    ) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [python, "-m", "playground.worker", "engine", engine],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | environment,
                start_new_session=True,
                preexec_fn=before,
            )
        self.events: list[Event] = []
        self._seen = self._submitted = 0
        self._incoming: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the worker itself, below its supervisor, once a wait has seen it begin."""
        return self.of(WorkerReady)[0].pid

    def send(self, command: Command) -> None:
        """Write one command."""
        assert self.process.stdin
        self._drain()
        self._seen = len(self.events)
        if isinstance(command, Submit):
            self._submitted = self._seen
        self.process.stdin.write(encode_line(command))
        self.process.stdin.flush()

    def wait(self, *kinds: type[Kind], when: Callable[[Any], bool] = lambda event: True) -> Kind:
        """The first event of these kinds since the last command."""
        deadline = time.monotonic() + self.patience_s
        while True:
            while self._seen < len(self.events):
                event = self.events[self._seen]
                self._seen += 1
                if isinstance(event, kinds) and when(event):
                    return event
            event = self._incoming.get(timeout=max(0.01, deadline - time.monotonic()))
            assert event is not None, f"the worker ended: {self.log.read_text()[-2000:]}"
            self.events.append(event)

    def load(self, folder: Path | str, **words: Any) -> ModelLoaded:
        """Load a checkpoint that must load; keywords that are no option go to the command."""
        self.send(load_command(folder, **words))
        answer = self.wait(ModelLoaded, Failed)
        assert isinstance(answer, ModelLoaded), line_of(answer)
        self.wait(OptionsApplied)
        return answer

    def refusal(self, command: Command) -> str:
        """The line that a user reads when a command fails; it must fail."""
        self.send(command)
        answer = self.wait(Failed, ModelLoaded, OptionsApplied)
        assert isinstance(answer, Failed), answer
        return line_of(answer)

    def finish(self, *requests: GenerationRequest) -> list[RequestFinished]:
        """Submit requests and wait for the end of each."""
        self.send(Submit(requests=list(requests)))
        ends = {request.request_id: self.wait_end(request.request_id) for request in requests}
        return [ends[request.request_id] for request in requests]

    def wait_end(self, request_id: str) -> RequestFinished:
        """The end of a request of the last `Submit`, which may already have come."""
        self._seen = self._submitted
        return self.wait(RequestFinished, when=lambda event: event.request_id == request_id)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """All events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def close(self) -> int:
        """Close its input; returns its exit code."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(timeout=10)

    def _drain(self) -> None:
        while not self._incoming.empty():
            if (event := self._incoming.get()) is not None:
                self.events.append(event)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._incoming.put(decode_event(line))
        self._incoming.put(None)


def load_command(folder: Path | str, **words: Any) -> LoadModel:
    """Keywords that are no option go to the command."""
    flags = {name: words.pop(name) for name in list(words) if name in LoadModel.__struct_fields__}
    return LoadModel(model=str(folder), options=EngineOptions(**words), **flags)


def request(name: str, prompt: str | Sequence[int] = "def add(a, b):", **sampling: Any) -> GenerationRequest:
    """A request on a text or on token ids."""
    params = SamplingParams(**({"max_tokens": 8, "ignore_eos": True} | sampling))
    text, ids = (prompt, None) if isinstance(prompt, str) else (None, list(prompt))
    return GenerationRequest(request_id=name, prompt=text, prompt_token_ids=ids, sampling=params)


def line_of(failed: Failed) -> str:
    """The line as `playground run` writes it."""
    return one_line(with_advice(failed.message, failed.advice))
