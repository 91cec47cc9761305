"""A screen on a real worker, and a fixed session to replay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from playground.preset import Preset
from playground.protocol.commands import SamplingParams
from playground.protocol.events import (
    TokensGenerated,
)
from playground.session.recording import FORMAT, VERSION, Entry, Header
from playground.tui.app import PlaygroundApp
from tests.tui.story import tell

Opened = Callable[..., AbstractAsyncContextManager[tuple[PlaygroundApp, Pilot[None]]]]
Script = Callable[[Iterable[str]], str]
Story = Callable[[str], list[Entry]]
Wait = Callable[..., Any]


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Logs, settings and recordings of a test stay with the test."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)


@pytest.fixture
def until() -> Wait:
    """Waits for a condition instead of a time."""

    async def wait(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 20.0) -> None:
        for _ in range(int(seconds / 0.02)):
            if condition():
                await pilot.pause()
                return
            await pilot.pause(0.02)
        raise AssertionError("waited in vain")

    return wait


@pytest.fixture
def opened(until: Wait) -> Opened:
    """Opens the app on a real worker with the scripted engine, its answers as given, and waits for the model."""

    @asynccontextmanager
    async def open_app(
        model: str | None = None, size: tuple[int, int] = (120, 40), max_tokens: int = 64, **app_options: Any
    ) -> AsyncIterator[tuple[PlaygroundApp, Pilot[None]]]:
        preset = Preset(
            title="", summary="", sampling=SamplingParams(max_tokens=max_tokens), prompts=["add two numbers"]
        )
        app = PlaygroundApp(engine="scripted", model=model, preset=preset, **app_options)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.bridge.state.facts or app.bridge.state.model.load_failure)
            yield app, pilot

    return open_app


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A recording whose answer has these pieces, as the model of the scripted engine."""

    def write(pieces: Iterable[str]) -> str:
        path = tmp_path / "answers.jsonl"
        lines: list[msgspec.Struct] = [Header(format=FORMAT, version=VERSION)]
        lines += [
            Entry(t=0.0, event=TokensGenerated(request_id="r", token_ids=[1], times=[0.0], text=piece))
            for piece in pieces
        ]
        path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)) + b"\n")
        return str(path)

    return write


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """A folder that looks like a checkpoint until it is loaded."""

    def make(path: str, **config: Any) -> Path:
        folder = tmp_path / path
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": "llama"} | config))
        (folder / "model.safetensors").write_bytes(b"0" * 2048)
        return folder

    return make


@pytest.fixture
def story() -> Story:
    """The recorded session, see `tests.tui.story`."""
    return tell
