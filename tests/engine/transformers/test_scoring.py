"""`Score` against a plain forward of the same tokens, whatever the chunks; `Tokenize` against the tokenizer."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground import paths
from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers import scoring
from playground.models.make_tiny_coder.held_out import BETWEEN, TEXT_FILE
from playground.protocol.commands import Score, Tokenize
from playground.protocol.events import Scored, Tokenized
from tests.engine.transformers.conftest import Member
from tests.engine.transformers.driven import Driven, ask
from tests.engine.transformers.reference import DEVICE, MOST, Reference, reference_model

CHUNKS = (1, 7, 16, 32, 256)
QUANTIZED = ("fp8", "int8", "int4", "int2")


@pytest.fixture(scope="module")
def coder() -> Driven:
    """tiny-coder in float32."""
    return Driven(paths.bundled_model())


@pytest.mark.parametrize("name", ["llama", "mistral-sliding", "bloom", "gemma2", "deepseek-v3"])
def test_nll_is_that_of_a_plain_forward(member: Member, name: str) -> None:
    reference = member(name)
    ids = text(reference)
    with torch.inference_mode():
        inputs = torch.tensor([ids], device=DEVICE)
        logits = reference_model(reference.folder)(inputs).logits[0, :-1].float().cpu()
    expected = -logits.log_softmax(-1)[range(len(ids) - 1), ids[1:]]
    scored = score(Driven(reference.folder), ids, likeliest=3)
    assert scored.nll == pytest.approx(expected.tolist(), abs=1e-3)
    for row, target, found in zip(scored.likeliest, ids[1:], logits.log_softmax(-1), strict=True):
        assert {target, int(found.argmax())} <= row.keys() and len(row) in (3, 4)
        assert list(row.values()) == pytest.approx([float(found[each]) for each in row], abs=1e-3)
    assert scored.top == logits.argmax(-1).tolist()
    assert scored.agreement is None and not scored.kl and not scored.rank


@pytest.mark.parametrize("kind", ["model", *QUANTIZED])
def test_chunks_change_nothing(member: Member, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = member("llama-64")
    driven, ids = Driven(reference.folder, kv_cache=kind), text(reference)
    whole = score(driven, ids, keep_as="whole")
    for tokens in CHUNKS:
        monkeypatch.setattr(scoring, "CHUNK_TOKENS", tokens)
        scored = score(driven, ids, against="whole")
        moved = [abs(ours - theirs) > 2e-3 for ours, theirs in zip(scored.nll, whole.nll, strict=True)]
        # A key half way between two codes goes either way with the last bit of a sum, and some of what sees it moves;
        # in another view every token does.
        few = 0 if kind == "model" else len(moved) // 20
        assert sum(moved) <= few and sum(map(bool, scored.rank)) <= few, tokens
        assert scored.agreement >= 1 - few / len(moved)


def test_a_comparison_with_oneself_is_exactly_zero(coder: Driven) -> None:
    ids = held_out(coder)[0]
    score(coder, ids, keep_as="base")
    again = score(coder, ids, against="base")
    assert again.kl == [0.0] * (len(ids) - 1) and again.rank == [0] * (len(ids) - 1) and again.agreement == 1.0


def test_kl_rank_and_agreement_against_another_cache(coder: Driven) -> None:
    ids = [token for text in held_out(coder)[:12] for token in text][:600]
    score(coder, ids, keep_as="base")
    losses = {}
    for kind in QUANTIZED:
        coder.set(kv_cache=kind)
        scored = score(coder, ids, against="base")
        losses[kind] = sum(scored.kl) / len(scored.kl)
        assert min(scored.kl) > -1e-6
        share = sum(rank == 0 for rank in scored.rank) / len(scored.rank)
        assert scored.agreement == pytest.approx(share, abs=0.01)
    coder.set(kv_cache="model")
    assert 0 < losses["int8"] < losses["int4"] < losses["int2"]


def test_kl_is_that_of_the_definition(member: Member) -> None:
    reference = member("llama")
    ids = text(reference)
    base, other = (plain(reference, ids, attention) for attention in ("eager", "sdpa"))
    other = other.roll(1, 0)
    figures = scoring.Figures()
    kept = scoring.KeptLogits(ids, scoring.as_kept(base), base.argmax(-1).tolist())
    scoring._add(figures, other, ids[1:], kept, 0)
    exact = torch.nn.functional.kl_div(
        other.double().log_softmax(-1), base.double().log_softmax(-1), reduction="none", log_target=True
    ).sum(-1)
    assert figures.kl == pytest.approx(exact.tolist(), rel=1e-3, abs=1e-5)
    ranks = [(row > row[top]).sum().item() for row, top in zip(other, kept.top, strict=True)]
    assert figures.rank == ranks and any(ranks)


def test_the_held_out_text_has_the_perplexity_of_the_card(coder: Driven) -> None:
    card = json.loads((paths.bundled_model() / "figures.json").read_text())["perplexity"]
    nll = [value for ids in held_out(coder) for value in score(coder, ids).nll]
    assert math.exp(sum(nll) / len(nll)) == pytest.approx(card["perplexity"], rel=1e-4)


@pytest.mark.parametrize("kind", ["model", "int4"])
def test_scoring_beside_running_requests_disturbs_none(member: Member, kind: str) -> None:
    reference = member("llama")
    driven = Driven(reference.folder, kv_cache=kind, kv_blocks="12", token_budget=24)
    expected = driven.run(ask(reference.prompts, MOST, name="alone", ignore_eos=True))
    alone = score(driven, text(reference))
    blocks = driven.backend._engine.core.runner.blocks
    driven.submit(requests := ask(reference.prompts, MOST, name="beside", ignore_eos=True))
    while driven.backend.busy:
        before = (blocks.used, blocks.free, blocks.cached)
        assert score(driven, text(reference)).nll == alone.nll
        assert (blocks.used, blocks.free, blocks.cached) == before
        driven.backend.step()
    assert [driven.output(request.request_id) for request in requests] == expected


def test_what_cannot_be_scored_is_refused(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven(member("llama").folder)
    for ids, says in (([1], "two tokens"), ([1] * 513, "context is 512"), ([1, 264], "vocabulary of 264")):
        with pytest.raises(EngineError) as refusal:
            score(driven, ids)
        assert says in refusal.value.message + refusal.value.advice
    with pytest.raises(EngineError, match="no logits are kept as 'base'"):
        score(driven, [1, 2, 3], against="base")
    score(driven, [1, 2, 3], keep_as="base")
    with pytest.raises(EngineError, match="are of other tokens"):
        score(driven, [1, 2, 4], against="base")
    monkeypatch.setattr(scoring, "KEPT_BYTES", 3 * 2 * 264)
    with pytest.raises(EngineError, match=r"takes 1.03 KiB; 1.03 KiB of 1.55 KiB are taken"):
        score(driven, [1, 2, 3], keep_as="more")
    score(driven, [1, 2, 3, 4], keep_as="base")
    driven.backend.unload()
    with pytest.raises(EngineError, match="no model is loaded"):
        score(driven, [1, 2, 3])


def test_fewer_than_none_of_the_likeliest_are_none(coder: Driven) -> None:
    assert score(coder, [5, 6, 7], likeliest=-3).likeliest == []


def test_tokenize_is_the_tokenizer_of_prompts(coder: Driven) -> None:
    texts = ["def add(a, b):\n", "", "Привет\ud800"]
    coder.backend.tokenize(Tokenize(key="k", texts=texts))
    tokenizer = AutoTokenizer.from_pretrained(paths.bundled_model())
    tokenized = coder.of(Tokenized)[-1]
    assert tokenized.key == "k"
    assert tokenized.token_ids == [tokenizer(texts[0]).input_ids, [], tokenizer("Привет?").input_ids]


def score(driven: Driven, ids: list[int], **names: Any) -> Scored:
    """The answer to one `Score`."""
    driven.backend.score(Score(key="s", token_ids=ids, **names), lambda: None)
    scored: Scored = driven.of(Scored)[-1]
    assert len(scored.nll) == len(scored.top) == len(ids) - 1
    return scored


def text(reference: Reference) -> list[int]:
    """Tokens over several blocks."""
    return [token for prompt in reference.prompts for token in prompt]


def plain(reference: Reference, ids: list[int], attention: str) -> torch.Tensor:
    """Logits [tokens - 1, V] of a plain forward."""
    model = AutoModelForCausalLM.from_pretrained(reference.folder, dtype=torch.float32, attn_implementation=attention)
    model = model.eval().to(DEVICE)
    with torch.inference_mode():
        return model(torch.tensor([ids], device=DEVICE)).logits[0, :-1]


def held_out(driven: Driven) -> list[list[int]]:
    """The held-out texts as they were measured for the model card: each by itself, with its end token."""
    texts = (paths.bundled_model() / TEXT_FILE).read_text(encoding="utf-8").split(f"\n{BETWEEN}")
    tokenizer = driven.backend._engine.loaded.tokenizer
    return [[*tokenizer.ids(text.strip() + "\n"), 0] for text in texts]
