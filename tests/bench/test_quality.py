"""Perplexity, KL and recall against plain computations on the same model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from math import exp, log

import pytest
import pytest_asyncio
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground import paths
from playground.bench.engine import WorkerEngine
from playground.bench.quality.figures import perplexity, text_quality, total_quality
from playground.bench.quality.recall import Recall, measure_recall
from playground.bench.quality.score import Job, score_texts
from playground.bench.quality.tallies import Tallies
from playground.bench.quality.windows import windows
from playground.bench.texts import Text, bundled_texts
from playground.bench.tokenizer.fertility import at_speed, count_tokens, measure_tps
from playground.protocol.commands import LoadModel
from playground.protocol.options import EngineOptions

ON_ONE_ENGINE = pytest.mark.asyncio(loop_scope="module")
MODEL = str(paths.bundled_model())
EXACT = EngineOptions(dtype="float32", kv_blocks="64")
COARSE = EngineOptions(dtype="bfloat16", kv_blocks="64")
TEXTS = [
    Text(name, "english", "prose", bundled_texts()[0].content[at : at + 500]) for name, at in (("x", 0), ("y", 700))
]


@pytest.fixture(scope="module")
def ids() -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    return [tokenizer(text.content).input_ids for text in TEXTS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerEngine]:
    log = tmp_path_factory.mktemp("engine") / "log"
    async with WorkerEngine("transformers", LoadModel(model=MODEL, options=EXACT), log) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def engine(started: WorkerEngine) -> WorkerEngine:
    """One for all tests, under its first options."""
    await started.switch(EXACT)
    return started


@cache
def reference(dtype: torch.dtype) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(MODEL, dtype=dtype).eval()


def log_probabilities(dtype: torch.dtype, token_ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return reference(dtype)(torch.tensor([token_ids])).logits[0].float().log_softmax(-1)


@pytest.mark.parametrize(
    ("tokens", "window", "stride"), [(100, 32, 32), (100, 32, 7), (31, 32, 32), (33, 32, 32), (2, 9, 1)]
)
def test_every_token_but_the_first_counts_once(tokens: int, window: int, stride: int):
    counted = [at for each in windows(tokens, window, stride) for at in range(each.stop - each.counted, each.stop)]
    assert counted == list(range(1, tokens))
    assert all(0 < each.stop - each.start <= window for each in windows(tokens, window, stride))
    assert all(each.counted < each.stop - each.start for each in windows(tokens, window, stride)), "each is predicted"


def test_one_token_predicts_nothing():
    assert windows(1, 8, 8) == windows(0, 8, 8) == []


def test_perplexity_by_hand():
    found = perplexity([log(2), log(8)], 4)
    assert found.nats_per_token == pytest.approx(log(4)) and found.perplexity == pytest.approx(4)
    assert found.bits_per_byte == pytest.approx(1.0)
    assert perplexity([], 4).perplexity is None


async def score(engine: WorkerEngine, job: Job) -> list[Tallies]:
    tallies: list[Tallies] = []
    seen: list[tuple[int, int]] = []
    await score_texts(engine, job, tallies, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == len(seen)
    return tallies


@ON_ONE_ENGINE
async def test_windows_side_by_side_lose_no_token(engine: WorkerEngine, ids: list[list[int]]):
    for tallies, text_ids in zip(await score(engine, Job(TEXTS, EXACT, None, 32, 32)), ids, strict=True):
        assert len(tallies.own.nll) == tallies.tokens == len(text_ids) - 1


@ON_ONE_ENGINE
async def test_perplexity_equals_a_plain_loop_over_the_same_windows(engine: WorkerEngine, ids: list[list[int]]):
    window, stride = 64, 48
    tallies = await score(engine, Job(TEXTS, EXACT, None, window, stride))
    expected = []
    for text_ids in ids:
        total = 0.0
        for each in windows(len(text_ids), window, stride):
            part = log_probabilities(torch.float32, text_ids[each.start : each.stop])
            for at in range(each.stop - each.counted, each.stop):
                total -= part[at - each.start - 1, text_ids[at]].item()
        expected.append(total)
    for own, total, text_ids, text in zip(tallies, expected, ids, TEXTS, strict=True):
        found = text_quality(own).own
        assert found.tokens == len(text_ids) - 1
        assert found.nats_per_token == pytest.approx(total / found.tokens, rel=1e-4)
        assert found.perplexity == pytest.approx(exp(total / found.tokens), rel=1e-3)
        assert found.bits_per_byte == pytest.approx(total / log(2) / len(text.content.encode()), rel=1e-4)
    whole = total_quality(tallies)
    assert whole.own.nats_per_token == pytest.approx(sum(expected) / whole.own.tokens, rel=1e-4)
    assert whole.distance is None and whole.base is None and whole.noise is None


@ON_ONE_ENGINE
async def test_a_part_of_the_windows_stands_for_as_many_bytes(engine: WorkerEngine):
    whole, part = [(await score(engine, Job(TEXTS[:1], EXACT, None, 32, 32, most)))[0] for most in (None, 2)]
    assert len(part.own.nll) == 62 and set(part.own.nll) < set(whole.own.nll)
    assert text_quality(part).bytes == pytest.approx(TEXTS[0].size * 62 / whole.tokens, abs=1)


@ON_ONE_ENGINE
async def test_kl_and_agreement_equal_torch(engine: WorkerEngine, ids: list[list[int]]):
    tallies = await score(engine, Job(TEXTS[:1], COARSE, EXACT))
    base, own = (log_probabilities(dtype, ids[0])[:-1] for dtype in (torch.float32, torch.bfloat16))
    kl = (base.exp() * (base - own)).sum(-1)
    found = text_quality(tallies[0])
    assert found.distance.kl_mean == pytest.approx(kl.mean().item(), rel=0.15)
    assert found.distance.kl_mean > 1e-5, "bfloat16 is not float32"
    assert found.distance.agreement == pytest.approx(
        (base.argmax(-1) == own.argmax(-1)).float().mean().item(), abs=0.02
    )
    assert found.noise.kl_mean == 0 and found.noise.agreement == 1, "the base repeats itself"
    assert found.base.nats_per_token == pytest.approx(
        -base.gather(1, torch.tensor(ids[0][1:])[:, None]).mean().item(), rel=1e-4
    )


@ON_ONE_ENGINE
async def test_needles_are_found_over_lengths_and_two_bits_find_no_more(engine: WorkerEngine):
    told: list[Recall] = []
    await measure_recall(engine, [100, 300], 4, ["model", "int2"], told.append)
    assert [(each.kv_cache, each.length, each.needles) for each in told] == [
        (kv_cache, length, 4) for kv_cache in ("model", "int2") for length in (100, 300)
    ]
    for full, coarse in zip(told[:2], told[2:], strict=True):
        assert 0.5 < full.tokens / full.length < 1.3 and full.tokens == coarse.tokens
        assert full.right == 4 >= coarse.right


@ON_ONE_ENGINE
async def test_tokens_are_counted_as_the_tokenizer_counts(engine: WorkerEngine, ids: list[list[int]]):
    found = await count_tokens(engine, TEXTS)
    tps = await measure_tps(engine, TEXTS[0])
    answers = [engine.fold.requests[f"tps{number}"] for number in (1, 2, 3)]
    assert [each.tokens for each in found] == [len(text_ids) for text_ids in ids]
    assert found[0].fertility == pytest.approx(len(ids[0]) / len(TEXTS[0].content.split()))
    assert found[0].bytes_per_token == pytest.approx(len(TEXTS[0].content.encode()) / len(ids[0]))
    speeds = sorted((len(each.times) - 1) / (each.times[-1] - each.times[0]) for each in answers)
    assert tps == pytest.approx(speeds[len(speeds) // 2], rel=1e-6)
    assert at_speed(found, 10.0)[0].characters_per_second == pytest.approx(10 * 500 / len(ids[0]))
