"""The way to the speech worker. It is a process of its own, started when somebody first wants to speak; what it tells
goes through the bridge, so that it is folded, recorded and shown like everything else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playground.client import WorkerClient
from playground.protocol.wire import AnyCommand
from playground.tui.bridge import Bridge

ENGINE = "faster-whisper"


class SpeechBridge:
    """One client. `send` starts the worker if there is none; commands keep their order."""

    def __init__(self, bridge: Bridge, log: Path) -> None:
        self.log = log
        self._bridge = bridge
        self._client = WorkerClient("speech", ENGINE, log, bridge.add_event)
        self._lock = asyncio.Lock()

    async def send(self, command: AnyCommand) -> None:
        """Send a command; the state hears of it first."""
        self._bridge.add_command(command)
        async with self._lock:
            if not self._client.running:
                await self._client.start()
            self._client.send(command)

    async def stop(self) -> None:
        """End the worker; the microphone closes with it."""
        await self._client.stop()
