"""Runs a JavaScript program under node: its host prints a secret at the very end, and only with it the program
passes."""

import json
import os
import subprocess
from typing import Any

HOST = """
const fs = require('fs'), vm = require('vm');
(() => {
const {program, token, pipe} = JSON.parse(fs.readFileSync(0, 'utf8'));
const write = fs.writeSync;
const silent = () => {};
const assert = (right, ...words) => { if (!right) throw new Error('Assertion failed ' + words.join(' ')); };
const console_ = {log: silent, error: silent, warn: silent, info: silent, debug: silent, assert};
const frozen = Object.freeze(console_);
const names = vm.createContext({require});
Object.defineProperty(names, 'console', {value: frozen, writable: false, configurable: false});
try {
  vm.runInContext(program, names);
  write(pipe, token);
} catch (error) {
  write(pipe, 'E' + String(error).slice(0, 500));
}
})();
"""


def run(node: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The verdict: {"passed", "detail"}."""
    token = os.urandom(16).hex()
    reader, writer = os.pipe()
    source = f"{payload['program']}\n;\n{payload['test']}\n"
    process = subprocess.Popen(
        [node, "--max-old-space-size=512", "-e", HOST],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(writer,),
    )
    os.close(writer)
    process.communicate(json.dumps({"program": source, "token": token, "pipe": writer}).encode())
    with os.fdopen(reader, "rb") as pipe:
        written = pipe.read(4096).decode(errors="replace")
    if written == token:
        return {"passed": True, "detail": ""}
    return {"passed": False, "detail": written[1:] if written[:1] == "E" else "the program ended before its tests did"}
