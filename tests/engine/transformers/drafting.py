"""Drafts that are partly right by design, so that every position of a draft is accepted and rejected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from playground.engine.speculation import NgramIndex
from playground.protocol.steps import Step
from tests.engine.transformers.zoo.zoo import END


@contextmanager
def partly_right(prompts: Sequence[list[int]], outputs: Sequence[list[int]]) -> Iterator[None]:
    """Drafts are the known answers, wrong from a position on that varies."""
    whole = [prompt + output for prompt, output in zip(prompts, outputs, strict=True)]

    def propose(_: NgramIndex, ids: Sequence[int], most: int) -> list[int]:
        known = list(ids)
        answer = next((tokens for tokens in whole if known and tokens[: len(known)] == known), known)
        draft = (answer[len(known) :] + [1] * most)[: max(0, most)]
        wrong_from = len(known) * 5 % 7
        return [token if at < wrong_from else (token + 1) % END for at, token in enumerate(draft)]

    with patch.object(NgramIndex, "propose", propose):
        yield


def counts(steps: Sequence[Step]) -> tuple[int, int]:
    """Draft tokens verified and accepted."""
    slots = [slot for step in steps for slot in step.slots]
    return sum(slot.speculated for slot in slots), sum(slot.accepted for slot in slots)
