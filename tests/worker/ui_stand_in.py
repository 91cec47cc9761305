"""A UI process to be killed: starts a worker through the real client, has it work, and says so."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from playground.client import WorkerClient
from playground.protocol.commands import GenerationRequest, LoadModel, Submit
from playground.protocol.events import ModelLoading, TokensGenerated, WorkerReady
from playground.protocol.wire import AnyEvent


async def main(python: str, engine: str, model: str, log: str) -> None:
    """Prints the worker's pid, then `working` once tokens come or a load goes on."""

    def show(event: AnyEvent) -> None:
        if isinstance(event, WorkerReady):
            print(event.pid, flush=True)
        elif isinstance(event, TokensGenerated) or (engine == "stuck" and isinstance(event, ModelLoading)):
            print("working", flush=True)

    client = WorkerClient("engine", engine, Path(log), show, python)
    await client.start()
    client.send(LoadModel(model=model))
    client.send(Submit(requests=[GenerationRequest(request_id="a", prompt="hello")]))
    await asyncio.sleep(60)


asyncio.run(main(*sys.argv[1:]))
