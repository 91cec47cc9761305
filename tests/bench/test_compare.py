"""Comparisons: figures by hand, words by rule, and the whole course on the bundled model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from math import exp, log
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

import pytest
import pytest_asyncio

from playground import paths
from playground.bench.compare.comparison import ComparisonPlan, Side, compare
from playground.bench.compare.diff import split_at_difference
from playground.bench.compare.likeliest import least_kl, least_rank
from playground.bench.compare.rows import rows
from playground.bench.compare.runs import Comparison, Figure, noise, order
from playground.bench.compare.side_spec import SideSpec
from playground.bench.compare.sides import open_sides
from playground.bench.compare.verdict import kl_above_noise, name_of, verdict, word
from playground.bench.engine import WorkerEngine
from playground.bench.engine_client import EngineClient
from playground.protocol.commands import LoadModel
from playground.protocol.comparison import ComparedRun, Divergence, SideName
from playground.protocol.options import EngineOptions


def run(side: SideName, ids: list[int] | None = None, **values: Any) -> ComparedRun:
    known = {"ttft_s": 0.02, "decode_tps": 100.0, "kv_bytes": 3400, "tokens": 10, "text": "t"}
    return ComparedRun(side=side, token_ids=[1, 2, 3] if ids is None else ids, **(known | values))


def compared(b: dict[str, Any], divergence: Divergence | None = None, **a: Any) -> Comparison:
    """Three runs a side, those of A 2 % around their median."""
    found = Comparison(divergence=divergence or Divergence())
    for factor in (0.98, 1.0, 1.02):
        for side, values in (("A", a), ("B", b)):
            tps = values.get("decode_tps", 100.0) * factor
            found.runs.append(run(side, **(values | {"decode_tps": tps})))
    return found


def test_the_same_text_is_told_once():
    assert split_at_difference("one two", "one two") == (("one two", ""), ("one two", ""))
    assert split_at_difference("one two", "one tea") == (("one t", "wo"), ("one t", "ea"))


def test_the_order_is_even_and_switches_seldom():
    sides = list(order(5))
    assert sides == list("ABBAABBAAB")
    assert sides.count("A") == sides.count("B") == 5


def test_noise_is_the_interval_of_the_median_and_shrinks_with_runs():
    assert noise([98.0, 100.0, 104.0]) == pytest.approx(0.04)
    assert noise([5.0]) is None and noise([]) is None
    outliers = [100.0, 101.0, 99.0, 130.0]
    assert noise([*outliers, 100.0]) == pytest.approx(0.3), "of five, all"
    assert noise([*outliers, *[100.0] * 5]) == pytest.approx(0.01), "of nine, without the two outermost (96 %)"
    random = Random(7)
    few, many = (fmean(noise([random.gauss(100, 5) for _ in range(runs)]) or 0 for _ in range(200)) for runs in (5, 40))
    assert many < few / 2, "more runs help"
    missed = sum(abs(median(values := [random.gauss(100, 5) for _ in range(12)]) - 100) > 100 * (noise(values) or 0)
                 for _ in range(1000))  # fmt: skip
    assert missed < 60


def test_a_change_within_the_noise_is_no_difference():
    figure = compared({"decode_tps": 99.0}).tps
    assert figure.change == pytest.approx(-0.01) and figure.noise == pytest.approx(0.02) and not figure.differs
    assert compared({"decode_tps": 86.0}).tps.differs
    assert word(figure, "faster", "slower") == "within noise"
    assert word(compared({"decode_tps": 86.0}).tps, "faster", "slower") == "slower"
    assert word(Figure(a=None, b=1.0, change=None, noise=None), "more", "less") == "–"


def test_cache_is_exact_and_counted_per_token():
    longer = compared({"kv_bytes": 2000, "tokens": 20})
    assert longer.kv.a == 340 and longer.kv.b == 100 and longer.kv.differs
    assert not compared({}).kv.differs and word(compared({}).kv, "larger", "smaller") == "the same"


def test_blocks_of_answers_of_unequal_length_are_no_difference_of_the_cache():
    """Two blocks of 32 tokens on both sides, once for 60 tokens, once for 40; then a cache that is smaller anyway."""
    same, smaller = (compared({"kv_bytes": bytes_, "tokens": 40}, kv_bytes=6400, tokens=60) for bytes_ in (6400, 640))
    for comparison in (same, smaller):
        comparison.effective["A"] = comparison.effective["B"] = {"block_size": "32"}
    assert "cache" not in verdict("x", same) and rows(same)[2][-1] == "block rounding"
    assert "6.7x less cache" in verdict("x", smaller) and rows(smaller)[2][-1] == "smaller"


def test_of_one_run_no_time_is_judged():
    once = Comparison(runs=[run("A"), run("B", decode_tps=50.0, ttft_s=0.5, kv_bytes=1000)])
    assert once.tps.noise is None and not once.tps.differs and once.kv.differs
    said = "x: 3.4x less cache, speed not judged (one run: no noise known), the same text"
    assert verdict("x", once) == said
    ttft, tps, kv, _ = rows(once)
    assert ttft[-2:] == tps[-2:] == ("unknown", "not judged") and kv[-2:] == ("exact", "smaller")


DIVERGED = Divergence(kl=[0.0, 0.04], rank=[0, 3], agreement=0.5, noise=0.0)


@pytest.mark.parametrize(
    ("comparison", "said"),
    [
        (
            compared({"kv_bytes": 1000, "decode_tps": 99.0, "ids": [1, 9]}, DIVERGED),
            "int4 KV: 3.4x less cache, no measurable slowdown, diverges at token 2, KL 0.020, above noise",
        ),
        (
            compared({"decode_tps": 86.0, "ttft_s": 0.03}, Divergence(kl=[1e-8], rank=[0], noise=0.0)),
            "int4 KV: 14 % slower, first token 50 % later, the same text, KL 1.0e-08, within noise",
        ),
        (
            compared({"decode_tps": 150.0, "kv_bytes": 6800, "ttft_s": 0.01}, Divergence(reason="no tokenizer")),
            "int4 KV: 2.0x more cache, 50 % faster, first token 50 % sooner, the same text, "
            "no KL (no tokenizer)",
        ),
        (compared({"decode_tps": 101.0}), "int4 KV: no measurable speed-up, the same text"),
        (Comparison(), "int4 KV: "),
    ],
)  # fmt: skip
def test_verdicts(comparison: Comparison, said: str):
    assert verdict("int4 KV", comparison) == said


def test_speed_that_scatters_is_not_judged():
    scattered = compared({"decode_tps": 90.0})
    scattered.runs.append(run("B", decode_tps=60.0))
    assert scattered.tps.noise > 0.1 and not scattered.tps.differs
    said = f"speed too noisy to tell (±{100 * scattered.tps.noise:.0f} %: more runs or longer answers)"
    assert said in verdict("x", scattered) and word(scattered.tps, "faster", "slower") == "too noisy"
    near, far = (Figure(a=1.0, b=1 - change, change=-change, noise=0.28) for change in (0.33, 0.74))
    assert word(near, "faster", "slower") == "more runs needed" and word(far, "faster", "slower") == "slower"


def test_of_few_blocks_it_is_told_how_few():
    few, many = (compared({"kv_bytes": 1000, "tokens": tokens}, tokens=tokens) for tokens in (62, 256))
    for comparison in (few, many):
        comparison.effective["B"] = {"kv_cache": "int8", "block_size": "32"}
    assert "3.4x less cache (blocks are rounded up: 62 tokens in blocks of 32)," in verdict("int8 KV", few)
    assert "3.4x less cache," in verdict("int8 KV", many)


def test_a_side_that_does_not_repeat_itself_is_told():
    comparison = compared({})
    comparison.runs.append(run("A", ids=[7]))
    assert "A does not repeat its own text" in verdict("x", comparison)


def short(**values: Any) -> Comparison:
    """Runs of 10 tokens on both sides, unless B's are otherwise, on blocks of 32."""
    comparison = compared(values)
    comparison.effective["B"] = {"kv_cache": "int4", "block_size": "32"}
    return comparison


def test_without_a_full_block_nothing_was_quantized():
    said = "int4 KV: nothing was quantized: no block of 32 tokens was full"
    assert verdict("int4 KV", short(decode_tps=86.0, ttft_s=0.03)).startswith(said)
    assert "nothing was quantized" not in verdict("int4 KV", short(tokens=32))
    assert "x less cache" in verdict("int4 KV", short(kv_bytes=1000)), "by an engine that quantizes each token"
    for name in ("int8 weights + int4 KV", "other-model"):
        assert verdict(name, short()) == f"{name}: no measurable slowdown, the same text"


def test_of_two_empty_answers_there_is_nothing_to_judge():
    empty = compared({"text": ""}, Divergence(kl=[0.0], rank=[0], noise=0.0), text="")
    assert verdict("int4 KV", empty) == "int4 KV: nothing to judge: both answers are empty"
    assert "diverges" in verdict("int4 KV", compared({"text": "", "ids": [0]}))


def test_weights_are_told_apart_from_cache():
    comparison = compared({})
    comparison.weights = {"A": 200, "B": 100}
    assert "2.0x less weights" in verdict("int8 weights", comparison)


def test_kl_must_stand_out_of_the_noise():
    def above(mean: float, floor: float) -> bool | None:
        return kl_above_noise(compared({}, Divergence(kl=[mean], rank=[0], noise=floor)))

    assert above(0.02, 0.0) and above(0.02, 0.005)
    assert not above(0.02, 0.01) and not above(1e-7, 0.0)
    assert kl_above_noise(compared({})) is None


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"kv_cache": "int4"}, "int4 KV"),
        ({"weights": "int8", "kv_cache": "int4"}, "int8 weights + int4 KV"),
        ({"max_batch": "4"}, "max_batch=4"),
        ({"speculation": "off"}, "speculation=off"),
        ({"dtype": "float32"}, "float32"),
        ({}, "B"),
    ],
)
def test_names(changes: dict[str, str], name: str):
    assert name_of(changes) == name


@pytest.mark.parametrize("seed", range(8))
def test_few_ids_tell_no_more_than_the_whole_vocabulary(seed: int):
    """Half of the ids of each side, not all of them the same ones; and with all of them it is the KL itself."""
    random = Random(seed)
    base, other = (_distribution(random, 12) for _ in range(2))
    whole = sum(exp(base[each]) * (base[each] - other[each]) for each in base)
    few = least_kl(_top(base, 6), _top(other, 6))
    assert 0 <= few <= whole + 1e-9 and least_kl(base, other) == pytest.approx(whole, abs=1e-5)
    assert least_kl(base, base) == 0 == least_kl(_top(base, 3), _top(base, 6))


def _distribution(random: Random, size: int) -> dict[int, float]:
    weights = [random.expovariate(1) ** 3 + 1e-9 for _ in range(size)]
    return {each: log(weight / sum(weights)) for each, weight in enumerate(weights)}


def _top(row: dict[int, float], count: int) -> dict[int, float]:
    return dict(sorted(row.items(), key=lambda pair: -pair[1])[:count])


def test_a_rank_is_counted_as_far_as_ids_are_named():
    other = {1: -0.5, 2: -1.5, 3: -2.5}
    assert least_rank({1: -0.1, 9: -4.0}, other) == 0 and least_rank({3: -0.1}, other) == 2
    assert least_rank({7: -0.1}, other) == 3, "at least"


def test_a_bound_is_called_one():
    assert "KL ≥ 0.020" in verdict("vllm", compared({}, Divergence(kl=[0.02], rank=[0], noise=0.0, likeliest=20)))


ON_ONE_ENGINE = pytest.mark.asyncio(loop_scope="module")
PROMPT = 'def add_numbers(first: int, second: int) -> int:\n    """Return the sum of first and second."""\n'


@pytest.fixture(scope="module")
def model() -> LoadModel:
    return LoadModel(model=str(paths.bundled_model()), options=EngineOptions(dtype="float32", kv_blocks="64"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(model: LoadModel, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerEngine]:
    async with WorkerEngine("transformers", model, tmp_path_factory.mktemp("engine") / "log") as one:
        yield one


async def course(engine: WorkerEngine, name: str, apart: bool = False, **b: Any) -> Comparison:
    comparison = Comparison()
    sides = [Side(engine, EngineOptions(dtype="float32", kv_blocks="64", **own), apart=apart) for own in ({}, b)]
    await compare(*sides, ComparisonPlan(PROMPT, max_tokens=48, runs=2, name=name), comparison, lambda: None)
    return comparison


@ON_ONE_ENGINE
async def test_a_side_against_itself_is_all_noise(engine: WorkerEngine):
    found = await course(engine, "same")
    assert found.first_difference is None and found.repeats and found.text("A") == found.text("B") != ""
    assert found.divergence.kl_mean == 0 and found.divergence.noise == 0 and set(found.divergence.rank) == {0}
    assert len(found.divergence.kl) == len(found.of("A")[0].token_ids)
    assert not found.kv.differs


@ON_ONE_ENGINE
async def test_two_bits_cost_text_and_save_cache(engine: WorkerEngine):
    found = await course(engine, "coarse", kv_cache="int2")
    assert [run.side for run in found.runs] == list("ABBA")
    assert found.effective["B"]["kv_cache"] == "int2" and found.effective["A"]["kv_cache"] == "model"
    assert found.kv.b < found.kv.a and found.divergence.kl_mean > 1e-5
    assert "less cache" in verdict("int2 KV", found) and "above noise" in verdict("int2 KV", found)


@ON_ONE_ENGINE
async def test_in_chat_the_prompt_is_a_users_message(engine: WorkerEngine):
    """As a text to continue the same words are whole already: the answer is empty."""
    text = "write a function that merges two dictionaries"
    chat, base = await asked(engine, text, chat=True), await asked(engine, text, chat=False)
    assert chat.text("A").startswith("def merge") and base.text("A") == ""
    assert len(chat.divergence.kl) == len(chat.of("A")[0].token_ids) > 1 and chat.divergence.kl_mean == 0


async def asked(engine: WorkerEngine, text: str, chat: bool) -> Comparison:
    """A side against itself."""
    comparison, side = Comparison(), Side(engine, EngineOptions(dtype="float32", kv_blocks="64"))
    plan = ComparisonPlan(text, max_tokens=12, runs=1, name=f"chat-{chat}", chat=chat)
    await compare(side, side, plan, comparison, lambda: None)
    return comparison


@ON_ONE_ENGINE
async def test_without_whole_rows_the_likeliest_ids_bound_the_kl(engine: WorkerEngine):
    """As of two option sets on vLLM: each side is scored under its own toggles."""
    found = await course(engine, "apart", apart=True, kv_cache="int2")
    assert found.divergence.likeliest == 20 and len(found.divergence.kl) == len(found.of("A")[0].token_ids)
    assert found.divergence.kl_mean > 1e-6 and found.divergence.noise < 1e-6 and not found.divergence.reason


@pytest.mark.parametrize(("name", "apart"), [("vllm", True), ("transformers", False)])
async def test_two_option_sets_of_vllm_have_no_whole_rows(name: str, apart: bool, model: LoadModel, tmp_path: Path):
    client, spec = EngineClient(lambda _: None), SideSpec(name, model)
    async with AsyncExitStack() as stack:
        _, b, host = await open_sides(spec, spec, (spec, client), stack, tmp_path / "log")
    assert b.apart is apart and b.client is host is client
