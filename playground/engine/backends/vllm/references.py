"""A checkpoint's greedy answers, kept on disk by its hash, so that a start that answers differently is noticed."""

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
SAMPLE_BYTES = 2**20  # hashed at the start and at the end of each file


@dataclass(frozen=True)
class Verdict:
    """How many of `total` greedy tokens are the `same` as the reference's, up to the first difference of each
    answer."""

    same: int
    total: int
    by: str
    first_same: int = 0

    def __str__(self) -> str:
        return f"{self.same} of {self.total} greedy tokens as {self.by}" if self.total else NO_REFERENCE

    @property
    def word(self) -> str:
        """One word for the status line: verified if every token matches; unverified if not, or without a reference."""
        return "verified" if self.total and self.same == self.total else "unverified"

    @property
    def garbage(self) -> bool:
        """Whether no answer begins as it should."""
        return self.total > 0 and not self.first_same


UNVERIFIED = Verdict(0, 0, "")


class Reference(msgspec.Struct):
    """A checkpoint's answers to `TEXTS`, and which engine gave them."""

    tokens: list[list[int]]
    by: str


def digest(checkpoint: Checkpoint) -> str:
    """A hash of the config, and of the name, size, start and end of every weights file."""
    hashed = blake2b((checkpoint.path / "config.json").read_bytes(), digest_size=16)
    for file in sorted(checkpoint.path.glob("*.safetensors")):
        size = file.stat().st_size
        hashed.update(f"{file.name} {size}".encode())
        with file.open("rb") as data:
            hashed.update(data.read(SAMPLE_BYTES))
            data.seek(max(0, size - SAMPLE_BYTES))
            hashed.update(data.read(SAMPLE_BYTES))
    return hashed.hexdigest()


def judge(answers: list[list[int]], reference: Reference) -> Verdict:
    """Compare answers with the reference."""
    same = [common_prefix(ours, theirs) for ours, theirs in zip(answers, reference.tokens, strict=True)]
    total = sum(map(len, reference.tokens))
    return Verdict(sum(same), total, reference.by, sum(count > 0 for count in same))


def read_reference(key: str) -> Reference | None:
    """The reference of a checkpoint, if there is one for the current `TEXTS`."""
    try:
        reference = msgspec.json.decode(_file(key).read_bytes(), type=Reference)
    except (OSError, msgspec.MsgspecError):
        return None
    return reference if len(reference.tokens) == len(TEXTS) and reference.by else None


def keep_reference(key: str, tokens: list[list[int]], by: str) -> None:
    """Keep a reference; on a full disk only the later check is lost, not the start."""
    with suppress(OSError):
        _file(key).parent.mkdir(parents=True, exist_ok=True)
        _file(key).write_bytes(msgspec.json.encode(Reference(tokens, by)))


def answer_with_transformers(checkpoint: Checkpoint, prompts: list[list[int]]) -> list[list[int]]:
    """Greedy tokens of `generate` in float32, for checkpoints small enough to be loaded a second time."""
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
