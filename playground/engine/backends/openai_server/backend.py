"""The openai engine: commands to a remote server. Toggles that only its operator can change are refused."""

from __future__ import annotations

import gc
from importlib import metadata
from time import perf_counter
from typing import Any, ClassVar

from playground.engine.backends.base import ELSEWHERE, Emit, EngineError, Progress
from playground.engine.backends.openai_server.address import Address, read_address
from playground.engine.backends.openai_server.client import Client
from playground.engine.backends.openai_server.faults import line
from playground.engine.backends.openai_server.loop import GATHER_S, ServerLoop
from playground.engine.backends.openai_server.metrics import MetricsPage, first_look
from playground.engine.backends.openai_server.models import Model
from playground.engine.backends.openai_server.server import UNKNOWN, Server, server_of
from playground.engine.backends.openai_server.support import CLOCK, effective, reasons, report, why_not
from playground.protocol.capabilities import Capabilities
from playground.protocol.commands import (
    Abort,
    CheckModel,
    LoadModel,
    MapBlocks,
    MeasureAttention,
    MeasureOutliers,
    ResetPrefixCache,
    Score,
    SetOptions,
    Submit,
    Tokenize,
)
from playground.protocol.effective import NOT_REPORTED
from playground.protocol.events import ModelLoaded, OptionsApplied, Tokenized
from playground.protocol.model_facts import ModelFacts
from playground.protocol.options import EngineOptions, changed_names

MOST_NAMES = 12


class OpenAIBackend:
    """See `engine.backends.base.Backend`."""

    gather_s: ClassVar = GATHER_S
    cannot: ClassVar = {
        ResetPrefixCache: "a server's prefix cache is not for its clients to empty",
        Score: "a server shows no logits to score with",
        MapBlocks: "a server does not tell who holds which KV block",
        MeasureAttention: "a server's attention cannot be run by itself",
        MeasureOutliers: "a server shows no input columns",
        CheckModel: "a server shows no files to check",
    }

    def __init__(self, emit: Emit) -> None:
        gc.freeze()  # loaded modules stay: collecting over them would delay timestamps of arrivals by 20 ms
        self._emit = emit
        self._client: Client | None = None
        self._loop: ServerLoop | None = None
        self._server: Server = UNKNOWN
        self._model = ""

    def capabilities(self) -> Capabilities:
        """Every toggle as unavailable, with the reason."""
        return Capabilities(
            engine="openai",
            devices=["server"],
            toggles=report(self._server),
            versions={"aiohttp": metadata.version("aiohttp")},
            empties_prefix_cache=False,
            ignores_eos="ignore_eos" in self._server.sampling,
        )

    def load(self, command: LoadModel, progress: Progress) -> None:
        """Ask the server for its models and choose the requested one."""
        self.unload()
        address, started = read_address(command.url), perf_counter()
        progress("checking", detail=address.api)
        self._client = client = Client(address, command.timeout_s)
        model = _chosen(command.model, client.wait(client.models(), lambda: progress("checking", detail=address.api)))
        self._server, self._model = server_of(model.owned_by), model.id
        self._refuse_options(command.options)
        page, fault = first_look(client, self._server)
        self._loop = ServerLoop(client, self._server, model.id, page, self._emit)
        page.report(self._emit)
        facts = _facts(model, self._server, address, fault)
        self._emit(ModelLoaded(facts=facts, capabilities=self.capabilities()))
        self._announce(page, command.options, perf_counter() - started)

    def unload(self) -> None:
        """Close every connection."""
        if self._loop:
            self._loop.fail("the model was unloaded")
        if self._client:
            self._client.close()
        self._client = self._loop = None
        self._server, self._model = UNKNOWN, ""

    def set_options(self, command: SetOptions, progress: Progress) -> None:
        """Raises `EngineError`: nothing can be changed."""
        if name := next(iter(command.changes), ""):
            raise EngineError(f"{name} cannot change: {why_not(name, self._server)}", "start the server anew for it")

    def submit(self, command: Submit, received: float) -> None:
        """See `ServerLoop.submit`."""
        for request in command.requests:
            self._loaded.submit(request, received)

    def abort(self, command: Abort) -> None:
        """See `ServerLoop.abort`."""
        if self._loop:
            self._loop.abort(command.request_id)

    def fail(self, message: str) -> None:
        """See `ServerLoop.fail`."""
        if self._loop:
            self._loop.fail(message)

    def tokenize(self, command: Tokenize) -> None:
        """Tokenize with the server's tokenizer, if it offers that; raises `EngineError` otherwise."""
        self._loaded  # noqa: B018 raises if nothing is loaded
        path, client = self._server.tokenize_path, self._client
        if not path or client is None:
            raise EngineError(f"{self._server.name} does not lend its tokenizer", ELSEWHERE)
        bodies = [_said(text) if command.chat else {"prompt": text} for text in command.texts]
        answers = [client.wait(client.ask(path, {"model": self._model, **body})) for body in bodies]
        try:
            self._emit(Tokenized(key=command.key, token_ids=[list(map(int, each["tokens"])) for each in answers]))
        except (TypeError, KeyError, ValueError):
            raise EngineError("the server's tokenizer answered what is no list of ids", ELSEWHERE) from None

    @property
    def busy(self) -> bool:
        """See `Backend`."""
        return self._loop is not None and self._loop.busy

    @property
    def step_index(self) -> int:
        """See `Backend`."""
        return self._loaded.step_index

    @property
    def next_arrival(self) -> float | None:
        """See `Backend`."""
        return self._loop.next_arrival if self._loop else None

    def step(self) -> None:
        """See `ServerLoop.step`."""
        self._loaded.step()

    @property
    def _loaded(self) -> ServerLoop:
        if self._loop is None:
            raise EngineError("no server is connected", "load a model of one first")
        return self._loop

    def _refuse_options(self, options: EngineOptions) -> None:
        if changed := changed_names(EngineOptions(), options):
            raise EngineError(f"{changed[0]} is not possible: {why_not(changed[0], self._server)}", "leave it out")

    def _announce(self, page: MetricsPage, options: EngineOptions, seconds: float) -> None:
        reported = effective(self._server, page.cache)
        self._emit(
            OptionsApplied(
                changed=[],
                requested=options,
                effective=reported,
                reasons=reasons(self._server, reported, options),
                seconds=seconds,
            )
        )


def _chosen(name: str, models: list[Model]) -> Model:
    """The model of that name, as it is or as it is shown, or the only one."""
    listed = ", ".join(line(model.id) for model in models[:MOST_NAMES]) + (", …" if len(models) > MOST_NAMES else "")
    if not models:
        raise EngineError("the server lists no model", "is one loaded there?")
    if not name and len(models) > 1:
        raise EngineError(f"the server has {len(models)} models", f"name one of: {listed}")
    found = next((model for model in models if not name or name in (model.id, line(model.id))), None)
    if found is None:
        raise EngineError(f"the server has no model {name}", f"there are: {listed}")
    return found


def _said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _facts(model: Model, server: Server, address: Address, fault: str) -> ModelFacts:
    note = f"times by {CLOCK}" + (f"; no metrics: {fault}" if fault else "")
    return ModelFacts(
        name=line(model.id),
        path=address.api,
        architecture=server.name if server is not UNKNOWN else "a server",
        parameters=0,
        weights_bytes=0,
        dtype=NOT_REPORTED,
        device="server",
        layers=0,
        vocabulary=0,
        context=model.context,
        kv_bytes_per_token=0,
        has_chat_template=True,
        note=note,
    )
