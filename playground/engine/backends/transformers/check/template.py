"""The chat template: whether it renders, and whether the token after an answer ends generation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transformers import AutoTokenizer

from playground.engine.backends.base import Progress
from playground.engine.checkpoint.checkpoint import Checkpoint
from playground.engine.checkpoint.config import end_ids, read_config
from playground.protocol.events import CheckFinding
from playground.protocol.fault import error_line

ANSWER = "Certainly."
TALK = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": ANSWER}]


def check_template(checkpoint: Checkpoint, progress: Progress) -> Iterator[CheckFinding]:
    """transformers renders templates in a sandbox; no other code of the checkpoint runs."""
    progress("checking", detail="chat template")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, trust_remote_code=False)
    if not getattr(tokenizer, "chat_template", None):
        yield CheckFinding(name="chat template", verdict="pass", evidence="none: it only continues text")
        return
    try:
        prompt = str(tokenizer.apply_chat_template(TALK[:1], add_generation_prompt=True, tokenize=False))
        whole = str(tokenizer.apply_chat_template(TALK, tokenize=False))
    except Exception as error:
        evidence, advice = f"it fails: {error_line(error)}", "mend chat_template, or use base mode"
        yield CheckFinding(name="chat template", verdict="fail", evidence=evidence, advice=advice)
        return
    yield CheckFinding(name="chat template", verdict="pass", evidence=f"renders; a turn opens with {prompt[-24:]!r}")
    config = read_config(checkpoint, trust_remote_code=False).get_text_config()
    yield _end(tokenizer, whole, end_ids(checkpoint, tokenizer, config))


def _end(tokenizer: Any, whole: str, ends: set[int]) -> CheckFinding:
    """Compare what a model was taught to put after its answer with the tokens that the engine stops at."""
    _, _, behind = whole.rpartition(ANSWER)
    ids = tokenizer(behind, add_special_tokens=False).input_ids
    if ends & set(ids[:1]):
        evidence = f"{tokenizer.convert_ids_to_tokens(ids[0])} ends an answer"
        return CheckFinding(name="end of a turn", verdict="pass", evidence=evidence)
    special = set(ids[:1]) & set(tokenizer.all_special_ids)
    return CheckFinding(
        name="end of a turn",
        verdict="fail" if special else "warn",
        evidence=f"the template closes an answer with {behind[:24]!r}, which is no end token",
        advice="add its id to eos_token_id in generation_config.json, or answers run on",
    )
