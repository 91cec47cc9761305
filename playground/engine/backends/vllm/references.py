"""What a checkpoint answers greedily, kept on disk by its hash: so that a start that answers otherwise is noticed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import msgspec

from playground import paths
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.text.sequences import common_prefix

TEXTS = ("def add(a, b):", "The sun", "1, 2, 3,")
TOKENS = 8
NO_REFERENCE = "no reference of this checkpoint yet; a plain start makes one"
SMALL_BYTES = 256 * 2**20
EDGE = 2**20


@dataclass(frozen=True)
class Verdict:
    """How many of `total` greedy tokens are the `same` as the reference's, up to where each answer first differs."""

    same: int
    total: int
    by: str
    first_same: int = 0

    def __str__(self) -> str:
        return f"{self.same} of {self.total} greedy tokens as {self.by}" if self.total else NO_REFERENCE

    @property
    def word(self) -> str:
        """One word for the status line: every token is as it should be, or not all are, or nobody knows."""
        return "verified" if self.total and self.same == self.total else "unverified"

    @property
    def garbage(self) -> bool:
        """Not even one answer begins as it should."""
        return self.total > 0 and not self.first_same


UNVERIFIED = Verdict(0, 0, "")


class Reference(msgspec.Struct):
    """What a checkpoint answered to `TEXTS`, and by whom."""

    tokens: list[list[int]]
    by: str


def digest(checkpoint: Checkpoint) -> str:
    """A hash of the config, and of the name, size, start and end of every file of weights."""
    hashed = blake2b((checkpoint.path / "config.json").read_bytes(), digest_size=16)
    for file in sorted(checkpoint.path.glob("*.safetensors")):
        size = file.stat().st_size
        hashed.update(f"{file.name} {size}".encode())
        with file.open("rb") as data:
            hashed.update(data.read(EDGE))
            data.seek(max(0, size - EDGE))
            hashed.update(data.read(EDGE))
    return hashed.hexdigest()


def judge(answers: list[list[int]], reference: Reference) -> Verdict:
    """Answers against the kept ones."""
    same = [common_prefix(ours, theirs) for ours, theirs in zip(answers, reference.tokens, strict=True)]
    total = sum(map(len, reference.tokens))
    return Verdict(sum(same), total, reference.by, sum(count > 0 for count in same))


def read_reference(key: str) -> Reference | None:
    """The reference of a checkpoint, if there is one that still fits what is asked."""
    try:
        reference = msgspec.json.decode(_file(key).read_bytes(), type=Reference)
    except (OSError, msgspec.MsgspecError):
        return None
    return reference if len(reference.tokens) == len(TEXTS) and reference.by else None


def keep_reference(key: str, tokens: list[list[int]], by: str) -> None:
    """A disk that is full costs the check, not the start."""
    with suppress(OSError):
        _file(key).parent.mkdir(parents=True, exist_ok=True)
        _file(key).write_bytes(msgspec.json.encode(Reference(tokens, by)))


def answer_with_transformers(checkpoint: Checkpoint, prompts: list[list[int]]) -> list[list[int]]:
    """Greedy tokens of `generate` in float32; for checkpoints that are small enough to be loaded a second time."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(checkpoint.path, dtype=torch.float32).eval()
    answers = []
    with torch.inference_mode():
        for prompt in prompts:
            ids = torch.tensor([prompt])
            output = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=TOKENS, pad_token_id=0
            )
            answers.append(output[0, len(prompt) :].tolist())
    return answers


def _file(key: str) -> Path:
    return paths.references_folder() / f"{key}.json"
