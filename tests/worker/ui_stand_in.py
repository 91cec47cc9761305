"""A UI process to be killed: starts a worker through the real client, lets it work, and prints when it does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from playground.client import WorkerClient
from playground.protocol.commands import GenerationRequest, LoadModel, SamplingParams, Submit
from playground.protocol.events import ModelLoading, TokensGenerated, WorkerReady
from playground.protocol.options import EngineOptions
from playground.protocol.wire import AnyEvent


async def main(python: str, engine: str, model: str, log: str, stage: str = "") -> None:
    """Print the worker's pid, then `working` once tokens arrive, or a load reaches this stage. vLLM computes in
    processes of its own."""

    def show(event: AnyEvent) -> None:
        if isinstance(event, WorkerReady):
            print(event.pid, flush=True)
        elif isinstance(event, TokensGenerated) or (isinstance(event, ModelLoading) and event.stage == stage):
            print("working", flush=True)

    client = WorkerClient("engine", engine, Path(log), show, python)
    await client.start()
    options = EngineOptions(dtype="float32", kv_blocks="64") if engine == "vllm" else EngineOptions()
    client.send(LoadModel(model=model, options=options, executor="mp"))
    sampling = SamplingParams(max_tokens=1900, ignore_eos=True)
    client.send(Submit(requests=[GenerationRequest(request_id="a", prompt="hello", sampling=sampling)]))
    await asyncio.sleep(240)  # vLLM takes a minute to start on a busy machine


asyncio.run(main(*sys.argv[1:]))
