"""A tiny HTTP server on loopback that answers as a test says: the double of remote servers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODELS = {"object": "list", "data": [{"id": "small", "object": "model", "owned_by": "somebody"}]}
DONE = b"data: [DONE]\n\n"


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the test; `seen` keeps method, path, headers and body."""

    server: Loopback
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._hand_on(None)

    def do_POST(self) -> None:
        self._hand_on(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *words: Any) -> None:
        """Nothing on stderr."""

    def json(self, body: Any, status: int = 200, **headers: str) -> None:
        """A whole answer."""
        self.raw(json.dumps(body).encode(), status, "application/json", **headers)

    def raw(self, body: bytes, status: int = 200, kind: str = "text/plain", **headers: str) -> None:
        """A whole answer, byte for byte."""
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def events(self, parts: Iterable[bytes], pause_s: float = 0.0, whole: bool = True) -> None:
        """An event stream, part by part; one that is not `whole` breaks off without HTTP's final chunk."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()
            time.sleep(pause_s)
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def _hand_on(self, body: Any) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        try:
            if self.command == "GET" and self.path == "/v1/models" and self.server.models is not None:
                self.json(self.server.models)
            else:
                self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.server.left.set()
            self.close_connection = True


class Loopback(ThreadingHTTPServer):
    """`answer` answers every request but the list of models, which is `models`; if that is None, also the list."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.left = threading.Event()
        self.models: Any = MODELS
        self.answer: Callable[[Handler], None] = not_found

    @property
    def url(self) -> str:
        """The base of its API."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def host(self) -> str:
        """As messages name it."""
        return f"127.0.0.1:{self.server_port}"

    def bodies(self, path: str) -> list[Any]:
        """What was posted to a path."""
        return [body for method, at, _, body in self.seen if method == "POST" and at == path]


def not_found(handler: Handler) -> None:
    """The answer for a page that does not exist."""
    handler.json({"detail": "Not Found"}, 404)


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A server on a port that was free."""
    server = Loopback()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def event(**words: Any) -> bytes:
    """One event of a stream."""
    return f"data: {json.dumps(words)}\n\n".encode()


def text(words: str, reason: str | None = None, **more: Any) -> bytes:
    """A completion's chunk."""
    return event(choices=[{"index": 0, "text": words, "finish_reason": reason} | more])


def usage(prompt: int, completion: int) -> bytes:
    """The last chunk, with the server's own count."""
    return event(choices=[], usage={"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": 0})
