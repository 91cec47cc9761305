"""A server's metrics page, polled while requests run."""

from __future__ import annotations

from concurrent.futures import Future
from time import perf_counter

from playground.engine.backends.base import Emit, EngineError
from playground.engine.backends.openai_server.client import Client
from playground.engine.backends.openai_server.prometheus import Page, cache_labels, measured, read_page
from playground.engine.backends.openai_server.server import Server
from playground.protocol.server import ServerMeasured

EVERY_S, AFTER_S = 1.0, 0.4
LAST_LOOKS = 4


class MetricsPage:
    """Polled once a second while something runs, since each poll costs the server a little, and up to `LAST_LOOKS`
    times afterwards until nothing runs there: a server notices a closed connection late. A page that fails is not
    polled again until the next request, and its last values are dropped."""

    def __init__(self, client: Client, server: Server) -> None:
        self._client, self._server, self._series = client, server, server.series
        self._looked = 0.0
        self._future: Future[None] | None = None
        self._found: Page | None = None
        self._looks_left = 0
        self.there = server.metrics.running is not None
        self.cache: dict[str, str] = {}
        self.latest: ServerMeasured | None = None

    @property
    def pending(self) -> bool:
        """Whether an answer is pending, or more polls are planned."""
        return self._future is not None or self._looks_left > 0

    @property
    def blocks(self) -> int:
        """KV blocks of the server; 0 if it does not report them."""
        info = self._server.cache_info
        count = self.cache.get(info.blocks, "") if info else ""
        return int(count) if count.isdecimal() else 0

    @property
    def blocks_used(self) -> int:
        """KV blocks in use, from the share that the server reports."""
        usage = self.latest.kv_usage if self.latest else None
        return min(self.blocks, round(self.blocks * (usage or 0.0)))

    async def look(self) -> None:
        """Fetch and read the page, in the client's thread."""
        page = await self._client.page(self._server.metrics_path)
        self._found = read_page(page, self._server.parts, self._series)

    def ask_again(self, finished: bool) -> None:
        """Poll if it is time; never when a first request begins, since that would delay its first token."""
        now = perf_counter()
        if not self.there or self._future or (finished and not self._looks_left):
            return
        if not self._looks_left:
            self._looked, self._looks_left = now, LAST_LOOKS
        if now - self._looked >= (AFTER_S if finished else EVERY_S):
            self._looked, self._looks_left = now, self._looks_left - 1 if finished else LAST_LOOKS
            self._future = self._client.start(self.look())

    def take(self, emit: Emit) -> bool:
        """Emit the answer if one has arrived."""
        future = self._future
        if future is None or not future.done():
            return False
        self._future = None
        if future.exception() is not None:
            self.latest, self._looks_left = None, 0
            emit(ServerMeasured(time=perf_counter()))
            return True
        emitted = self.report(emit)
        if self.latest and not self.latest.running and self._looks_left < LAST_LOOKS:
            self._looks_left = 0
        return emitted

    def report(self, emit: Emit) -> bool:
        """Emit what the page said last."""
        if self._found is None:
            return False
        self.cache = cache_labels(self._server, self._found)
        self.latest = measured(self._server, self._found, perf_counter())
        emit(self.latest)
        return True


def first_look(client: Client, server: Server) -> tuple[MetricsPage, str]:
    """The page, and why there is none."""
    page = MetricsPage(client, server)
    if not page.there:
        return page, f"{server.name} is of no kind whose metrics are known"
    try:
        client.wait(page.look())
    except EngineError as error:
        page.there = False
        return page, error.message
    return page, ""
