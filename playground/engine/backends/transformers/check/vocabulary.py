"""The tokenizer: whether text survives a round trip, ids fit the embedding, and an end token exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transformers import AutoTokenizer

from playground.engine.backends.base import Progress
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.config import end_ids, read_config
from playground.protocol.events import CheckFinding

SAMPLES = {
    "English": "The quick brown fox, 3.14 times.",
    "code": "def f(x):\n    return x[0] if x else None\n\n\tend",
    "Russian": "Съешь ещё этих мягких булок",
    "Chinese": "天地玄黄，宇宙洪荒。",
    "Arabic": "مرحبا بالعالم",
    "Hindi": "नमस्ते दुनिया",
    "combining": "Ame\u0301lie, nai\u0308ve",
    "emoji": "ok 👍🏽 👩‍👩‍👧 🇺🇳",
}


def check_vocabulary(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """Round trips over scripts and emoji, sizes, special and end tokens."""
    progress("checking", detail="tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, trust_remote_code=False)
    config = read_config(checkpoint, trust_remote_code=False).get_text_config()
    yield _round_trips(tokenizer)
    yield _size(tokenizer, config.vocab_size)
    yield _ends(tokenizer, end_ids(checkpoint, tokenizer, config), config.vocab_size)


def _round_trips(tokenizer: Any) -> CheckFinding:
    lost = [name for name, text in SAMPLES.items() if _round_trip(tokenizer, text).strip() != text.strip()]
    kept = len(SAMPLES) - len(lost)
    return CheckFinding(
        name="round trip",
        verdict="warn" if lost else "pass",
        evidence=f"{kept} of {len(SAMPLES)} scripts come back" + (f"; changed: {', '.join(lost)}" if lost else ""),
        advice="this tokenizer loses or normalizes such text" if lost else "",
    )


def _round_trip(tokenizer: Any, text: str) -> str:
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _size(tokenizer: Any, rows: int) -> CheckFinding:
    highest = max(tokenizer.get_vocab().values(), default=-1)
    fits = highest < rows
    spare = f", {rows - highest - 1} rows spare" if fits else ""
    return CheckFinding(
        name="vocabulary",
        verdict="pass" if fits else "fail",
        evidence=f"ids up to {highest}, the embedding has {rows} rows{spare}",
        advice="" if fits else "tokenizer and weights are not of one model, or the embedding was not resized",
    )


def _ends(tokenizer: Any, ends: set[int], rows: int) -> CheckFinding:
    outside = sorted(token_id for token_id in {*tokenizer.all_special_ids, *ends} if token_id >= rows)
    if outside:
        return CheckFinding(
            name="special tokens",
            verdict="fail",
            evidence=f"ids {outside[:3]} lie outside the embedding of {rows} rows",
            advice="tokenizer and weights are not of one model",
        )
    if not ends:
        return CheckFinding(
            name="special tokens",
            verdict="warn",
            evidence="no end token: only max tokens ends an answer",
            advice="set eos_token_id in generation_config.json",
        )
    names = ", ".join(f"{tokenizer.convert_ids_to_tokens(token_id)} ({token_id})" for token_id in sorted(ends))
    return CheckFinding(name="special tokens", verdict="pass", evidence=f"ends with {names}")
