"""A hub with some repositories on this machine, with the pages that a download needs: info, tree, files."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SHA = "0123456789abcdef0123456789abcdef01234567"
AT_ONCE = 11 * 2**20  # huggingface_hub reads 10 MiB before it says how far it is


class Hub:
    """`folders` are served whole; `refusals` answer with a status and the code that the real hub sends with it;
    `silent` repositories never get an answer; files of `slow` ones trickle after their first part."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}
        self.refusals: dict[str, tuple[int, str]] = {}
        self.silent: set[str] = set()
        self.slow: set[str] = set()
        self.asked: list[str] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, *_: object) -> None: ...

        def _answer(self, body: bool) -> None:
            path = self.path.partition("?")[0].removeprefix("/api/models").lstrip("/")
            hub.asked.append(path)
            repository = "/".join(path.split("/")[:2])
            if repository in hub.silent:
                hub.closing.wait()
            elif repository in hub.refusals:
                status, code = hub.refusals[repository]
                self._send(status, b"{}", body, {"X-Error-Code": code, "X-Error-Message": "no"})
            elif repository in hub.folders:
                self._serve(repository, path, body)
            else:
                self._send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})

        def _serve(self, repository: str, path: str, body: bool) -> None:
            folder = hub.folders[repository]
            names = sorted(file.name for file in folder.iterdir())
            if "/resolve/" in path:
                data = (folder / path.split("/")[-1]).read_bytes()
                self._send(200, data, body, {"X-Repo-Commit": SHA, "ETag": f'"{len(data)}"'}, repository in hub.slow)
            elif "/tree/" in path:
                sizes = {name: (folder / name).stat().st_size for name in names}
                tree = [{"type": "file", "path": name, "size": sizes[name], "oid": f"{sizes[name]}"} for name in names]
                self._send(200, json.dumps(tree).encode(), body)
            else:
                info = {"id": repository, "sha": SHA, "siblings": [{"rfilename": name} for name in names]}
                self._send(200, json.dumps(info).encode(), body)

        def _send(
            self, status: int, data: bytes, body: bool, headers: dict[str, str] | None = None, slow: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            if not body:
                return
            start = min(AT_ONCE, len(data)) if slow else len(data)
            self.wfile.write(data[:start])
            while start < len(data) and hub.slow and not hub.closing.wait(0.05):
                self.wfile.write(data[start : start + 4096])
                start += 4096
            self.wfile.write(data[start:])

    return Handler
