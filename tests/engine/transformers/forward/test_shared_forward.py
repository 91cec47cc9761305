"""Prompts and decoding rows share one forward but for attention, and no tokens change by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from playground.engine.backends.transformers.forward.lean_decoder import LeanDecoder
from playground.engine.backends.transformers.forward.parts import Part
from playground.engine.backends.transformers.forward.row_groups import Group, together
from playground.engine.backends.transformers.kv.row import BatchRow
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, MOST

MODEL = "llama-64"


def decoder(driven: Driven) -> LeanDecoder:
    """The decoder in use, which must be lean."""
    found = driven.backend._engine.core.runner.plain_decoder
    assert isinstance(found, LeanDecoder)
    return found


def shared(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[int, ...]]]:
    """Shapes of ids of every shared forward from now on."""
    lean, noted = decoder(driven), []
    whole = lean.together

    def note(parts: Sequence[Part]) -> list[Tensor]:
        noted.append([tuple(part.ids.shape) for part in parts])
        return whole(parts)

    monkeypatch.setattr(lean, "together", note)
    return noted


@pytest.mark.parametrize("kind", ["model", "int8", "int2"])
def test_late_requests_prefill_beside_rows_that_decode(
    member: Member, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = member(MODEL)
    options = {"kv_cache": kind, "max_batch": 3, "prefix_cache": False}
    driven = Driven(reference.folder, **options)
    requests = ask(reference.prompts, MOST, ignore_eos=True)
    driven.run(requests[:1])  # both phases have been watched
    noted = shared(driven, monkeypatch)
    together = driven.run(requests)
    assert any(parts[0][1] == 1 and max(shape[1] for shape in parts) > 1 for parts in noted), noted
    assert all(sum(shape[1] == 1 for shape in parts) <= 1 for parts in noted)
    alone = Driven(reference.folder, **options)
    monkeypatch.setattr(decoder(alone), "joins", False)
    assert together == alone.run(requests)
    if kind == "model":
        assert together == reference.outputs


def test_llm_int8_shares_no_forward(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = member(MODEL)
    driven = Driven(reference.folder, max_batch=3)
    driven.run(ask(reference.prompts[:1], MOST[:1], ignore_eos=True))
    noted = shared(driven, monkeypatch)
    for weights, shares in (("int8", False), ("model", True)):
        driven.set(weights=weights)
        driven.run(ask(reference.prompts, MOST, ignore_eos=True))
        assert bool(noted) is shares, weights


def test_what_is_shared_has_the_logits_of_what_runs_apart(member: Member) -> None:
    lean = decoder(Driven(member(MODEL).folder, dtype="float32"))

    def parts() -> list[Part]:
        made = []
        for rows, queries, keep in ((3, 1, 1), (1, 9, 1), (2, 4, 3)):
            ids = torch.arange(3, 3 + rows * queries, device=DEVICE).view(rows, queries)
            made.append(Part(ids, torch.arange(queries, device=DEVICE).expand(rows, -1), None, DynamicCache(), keep))
        return made

    with torch.inference_mode():
        whole, each = lean.together(parts()), [lean(*part) for part in parts()]
    assert [logits.shape[:2] for logits in whole] == [(3, 1), (1, 1), (2, 3)]
    for mine, own in zip(whole, each, strict=True):
        torch.testing.assert_close(mine, own, rtol=1e-5, atol=1e-5)


def test_only_one_group_of_single_tokens_is_shared() -> None:
    def group(phase: str, *counts: int) -> Group:
        request: Any = None
        return Group(phase, [BatchRow(request, 0, count) for count in counts])

    decode, short, long, other = group("decode", 1, 1), group("prefill", 1), group("prefill", 5, 4), group("prefill", 9)
    assert list(together([decode, short, long, other], lambda group: True)) == [[short], [decode, long, other]]
    assert list(together([decode, long, other], lambda group: group is not long)) == [[long], [decode, other]]
    assert list(together([decode], lambda group: False)) == [[decode]]
    assert list(together([], lambda group: True)) == []
