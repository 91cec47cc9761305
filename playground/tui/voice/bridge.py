"""The way to the speech worker, a process of its own that starts when it is first needed. Its events go through the
bridge, to be folded, recorded and shown like all others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playground.client import WorkerClient, cannot_start, drop_empty_log
from playground.protocol.events import Failed
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
        """Fold and record a command, then send it."""
        self._bridge.add_command(command)
        async with self._lock:
            if self._client.running or await self._start(type(command).__name__):
                self._client.send(command)

    async def _start(self, where: str) -> bool:
        """Start the worker, or say why there is none."""
        try:
            await self._client.start()
        except OSError as error:
            message = cannot_start(error, "speech process")
            self._bridge.add_event(Failed(where=where, message=message, advice="^T starts it again"))
            return False
        return True

    async def stop(self) -> None:
        """End the worker; the microphone closes with it."""
        await self._client.stop()
        drop_empty_log(self.log)
