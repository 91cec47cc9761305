"""Runs a JavaScript program under node: its host prints a secret at the very end, and only with it the program
passes."""

import json
import os
import subprocess
from typing import Any

HOST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "javascript.js")


def run(node: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The verdict: {"passed", "detail"}."""
    token = os.urandom(16).hex()
    reader, writer = os.pipe()
    task = {"program": payload["program"], "test": payload["test"], "token": token, "pipe": writer}
    process = subprocess.Popen(
        [node, "--max-old-space-size=512", HOST],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(writer,),
    )
    os.close(writer)
    process.communicate(json.dumps(task).encode())
    with os.fdopen(reader, "rb") as pipe:
        written = pipe.read(4096).decode(errors="replace")
    if written == token:
        return {"passed": True, "detail": ""}
    return {"passed": False, "detail": written[1:] if written[:1] == "E" else "the program ended before its tests did"}
