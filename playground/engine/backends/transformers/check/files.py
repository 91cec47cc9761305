"""Files of a checkpoint: what is there, whether it is what the hub published, what should not be there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from playground.engine.backends.base import Progress
from playground.engine.checkpoint.checkpoint import PICKLES, Checkpoint
from playground.protocol.events import CheckFinding
from playground.text.sizes import format_bytes

SHA256 = re.compile(r"[0-9a-f]{64}")
PIECE = 2**24
SHOWN = 12


def check_files(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """Names and sizes, hashes of the weights, code and pickles."""
    files = [file for file in sorted(checkpoint.path.iterdir()) if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    yield CheckFinding(name="files", verdict="pass", evidence=f"{len(files)} files, {format_bytes(size)}")
    yield _hashes(checkpoint, progress)
    code = [file.name for file in files if file.suffix == ".py"]
    pickles = [file.name for pattern in PICKLES for file in checkpoint.path.glob(pattern)]
    yield CheckFinding(
        name="code",
        verdict="warn" if code or pickles else "pass",
        evidence=f"it brings {', '.join((code + pickles)[:3])}; nothing of it was run" if code or pickles else "none",
        advice="read it before you trust it; the safetensors files do without" if code or pickles else "",
    )


def _hashes(checkpoint: Checkpoint, progress: Progress) -> CheckFinding:
    """Compare with the hub: in its cache a weight file is a link to a file named by its SHA-256."""
    found, wrong = [], []
    for number, file in enumerate(checkpoint.weights):
        progress("checking", number, len(checkpoint.weights), f"hash of {file.name}")
        digest, named = _sha256(file, progress), file.resolve().name
        found.append(f"{file.name} {digest[:SHOWN]}…")
        if SHA256.fullmatch(named) and named != digest:
            wrong.append(file.name)
    if wrong:
        evidence = f"{', '.join(wrong)}: not the bytes that the hub gave out"
        return CheckFinding(name="hashes", verdict="fail", evidence=evidence, advice="fetch the checkpoint again")
    return CheckFinding(name="hashes", verdict="pass", evidence=f"SHA-256 {', '.join(found[:3])}")


def _sha256(file: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
            progress("checking", detail=f"hash of {file.name}")
    return digest.hexdigest()
