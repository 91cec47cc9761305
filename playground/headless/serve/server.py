"""textual-serve with a page of our own that loads nothing from other hosts, and closed to pages of other sites."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import psutil
from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

PAGE = Path(__file__).with_name("page.html")
NAMES = {"127.0.0.1", "localhost"}
# Loads nothing from other hosts, and cannot be framed by another page, which could steal clicks.
POLICY = "default-src 'self' 'unsafe-inline' data: ws:; frame-ancestors 'none'"
GRACE_S = 3.0
POLL_S = 0.05


def serve(command: str, listening: socket.socket) -> None:
    """Run the command once per open page, until SIGINT or SIGTERM; ends all that was started."""
    server = PageServer(command, *listening.getsockname())
    try:
        web.run_app(server.build(), sock=listening, print=None, access_log=None, shutdown_timeout=GRACE_S)
    finally:
        _kill(psutil.Process().children(recursive=True))


def _kill(apps: Iterable[psutil.Process]) -> None:
    for app in apps:
        with suppress(psutil.NoSuchProcess):
            app.kill()


class PageServer(Server):
    """textual-serve, but it ends its apps when it ends, and checks where requests come from."""

    def __init__(self, command: str, host: str, port: int) -> None:
        super().__init__(command, host, port)
        self._pages: set[asyncio.Task[object]] = set()

    async def build(self) -> web.Application:
        """The library's routes behind the guard."""
        app = await self._make_app()
        app.middlewares.append(_guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print one line instead of a logo."""
        print(f"{self.public_url} is the playground, for the users of this machine; Ctrl-C ends it", flush=True)

    async def on_shutdown(self, app: web.Application) -> None:
        """End the apps, and see them go: one that goes after the loop leaves a complaint in the terminal."""
        for page in self._pages:
            page.cancel()
        for kill in (False, True):
            until = monotonic() + GRACE_S
            while (apps := psutil.Process().children(recursive=True)) and monotonic() < until:
                if kill:
                    _kill(apps)
                await asyncio.sleep(POLL_S)

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Serve the page."""
        # A page in the back/forward cache would keep its app.
        return web.FileResponse(PAGE, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run an app until the page closes."""
        page = asyncio.current_task()
        assert page
        self._pages.add(page)
        try:
            return await super().handle_websocket(request)
        finally:
            self._pages.remove(page)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse pages of other sites: they have another origin, or reach this machine by their own name (DNS
    rebinding)."""
    ours = f"http://{request.host}"
    if request.host.partition(":")[0] not in NAMES or request.headers.get("Origin", ours) != ours:
        raise web.HTTPForbidden(text="only for pages of this machine\n")
    return await handler(request)
