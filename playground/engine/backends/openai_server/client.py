"""HTTP to one server, on a thread with its own event loop, so that each piece is timestamped when it arrives."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from time import perf_counter
from typing import Any, TypeVar

import aiohttp
import msgspec

from playground.engine.backends.base import Cancelled, EngineError
from playground.engine.backends.openai_server.address import Address
from playground.engine.backends.openai_server.answer import DONE, Piece, read_piece
from playground.engine.backends.openai_server.event_stream import EventStream
from playground.engine.backends.openai_server.faults import Malformed, as_engine_error, refused
from playground.engine.backends.openai_server.models import Model, read_models

CONNECT_S = 10.0
CHECK_S = 0.25
IDLE_S = 4.0  # vLLM's server closes idle connections after five, which a request under way would run into
USAGE_S = 2.0  # after a finish reason a server may take this long to send its usage
EVENTS = "text/event-stream"
MOST_BYTES = 8 * 2**20
Kind = TypeVar("Kind")
Arrived = Callable[[float, Piece], None]


class Client:
    """`timeout_s`: how long a server may be silent, before its first event and between two; what it sends only to keep
    the connection open is silence. The key comes from OPENAI_API_KEY and is only sent in the header of requests to this
    address."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address, self._timeout_s, self._connect_s = address, timeout_s, min(CONNECT_S, timeout_s)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._thread.start()
        key = os.environ.get("OPENAI_API_KEY", "").strip()
        if not (key.isascii() and key.isprintable()):
            raise EngineError("OPENAI_API_KEY holds what no HTTP header can", "set it again, without line breaks")
        self._http = self.wait(self._session({"Authorization": f"Bearer {key}"} if key else {}))

    def wait(self, work: Coroutine[Any, Any, Kind], check: Callable[[], None] = lambda: None) -> Kind:
        """Run a coroutine and wait for it; raises `EngineError`, and what `check` raises meanwhile."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while not wait([future], CHECK_S).done:
                check()
            return future.result()
        except Cancelled:
            future.cancel()
            raise
        except Exception as error:
            raise self.fault(error) from error

    def start(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run a coroutine without waiting; cancelling the future closes its connection."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def fault(self, error: Exception) -> EngineError:
        """The exception as an `EngineError`."""
        return as_engine_error(error, self._address.api, self._timeout_s)

    def close(self) -> None:
        """Close every connection and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    async def models(self) -> list[Model]:
        """Every model that the server lists."""
        return read_models(await self._read("GET", f"{self._address.api}/models"))

    async def page(self, path: str) -> str:
        """A page beside the API, as text."""
        return (await self._read("GET", self._address.root + path)).decode(errors="replace")

    async def ask(self, path: str, body: dict[str, Any]) -> Any:
        """POST to a path beside the API; the answer as JSON."""
        return msgspec.json.decode(await self._read("POST", self._address.root + path, json=body))

    async def stream(self, path: str, body: dict[str, Any], arrived: Arrived) -> None:
        """Hand on the pieces of one answer, each with its arrival time. After a finish reason, silence or a close ends
        it; a stream that ends without one is a fault, and so is an end without any text."""
        ended = came = False
        url, connect = self._address.api + path, aiohttp.ClientTimeout(connect=self._connect_s)
        try:
            async with (
                asyncio.timeout(self._timeout_s) as silence,
                self._http.post(url, json=body, allow_redirects=False, timeout=connect) as response,
            ):
                await self._accept(response)
                _require_events(response.headers.get("content-type", ""))
                stream, due = EventStream(), 0.0
                async for part in response.content.iter_any():  # all that lies there, often several events
                    now, events = perf_counter(), stream.feed(part)
                    if events and now > due:  # aiohttp's sock_read restarts a timer for each part, which costs
                        due = now + self._timeout_s / 8
                        silence.reschedule(self._loop.time() + self._timeout_s * 9 / 8)
                    for data in events:
                        if data == DONE:
                            if not (ended or came):
                                raise Malformed("neither text nor a finish reason before its end")
                            return
                        piece = read_piece(data)
                        came = came or piece.brings_text_or_tokens
                        arrived(now, piece)
                        if piece.reason and not ended:
                            ended, due = True, math.inf
                            silence.reschedule(self._loop.time() + min(USAGE_S, self._timeout_s))
            raise aiohttp.ClientPayloadError("the stream ended early")
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            if not ended:
                raise

    async def _read(self, method: str, url: str, **words: Any) -> bytes:
        async with self._http.request(method, url, allow_redirects=False, **words) as response:
            await self._accept(response)
            body = await _whole(response.content, MOST_BYTES)
        if body is None:
            raise Malformed(f"more than {MOST_BYTES} bytes")
        return body

    async def _session(self, headers: dict[str, str]) -> aiohttp.ClientSession:
        """Made in the event loop that it is for; cookies of a server are not kept."""
        return aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(connect=self._connect_s, sock_read=self._timeout_s),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=not self._address.is_local,
        )

    async def _accept(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 200:
            return
        body = await _whole(response.content, 2**16)
        raise refused(response.status, body or b"", response.headers.get("location", ""), self._address.api)

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._http.close()


def _require_events(kind: str) -> None:
    if kind.partition(";")[0].strip().lower() != EVENTS:
        raise Malformed(f"{kind.strip() or 'no content type'} instead of {EVENTS}")


async def _whole(content: aiohttp.StreamReader, most: int) -> bytes | None:
    """The whole content; None if it is longer than `most` bytes."""
    body = b""
    async for part in content.iter_any():
        body += part
        if len(body) > most:
            return None
    return body
