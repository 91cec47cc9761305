"""Loads: what levels are, what came of them, against a stopwatch and against sums done another way."""

from __future__ import annotations

from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter

import pytest

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.bench.load.arrivals import Arrivals
from playground.bench.load.drive import Sweep, run_sweep
from playground.bench.load.figures import LevelFigures, Spread, gaps, level_figures, saturates, saturation
from playground.bench.load.lengths import parse_lengths
from playground.bench.load.level import Level, parse_levels
from playground.bench.load.requests import Shape, draw_requests
from playground.bench.load.slo import Slo, parse_slo
from playground.config import VLLM_PYTHON
from playground.protocol.commands import LoadModel
from playground.protocol.events import RequestFinished
from playground.protocol.metrics import RequestMetrics
from playground.protocol.percentiles import percentiles
from playground.session.fold import Generated

NO_SPREAD = Spread(None, None, None)


def served(number: int, submitted: float, times: list[float], queue: float = 0.0) -> Generated:
    metrics = RequestMetrics(
        prompt_tokens=10,
        output_tokens=len(times),
        cached_tokens=5 if number else 0,
        queue_s=queue,
        ttft_s=times[0] - submitted,
        tpot_s=(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None,
        e2e_s=times[-1] - submitted,
    )
    finished = RequestFinished(request_id=f"r{number}", reason="length", metrics=metrics)
    return Generated(f"r{number}", token_ids=[1] * len(times), times=times, finished=finished)


def figures(load: str, tps: float, rate: float = 1.0, offered: float | None = None) -> LevelFigures:
    return LevelFigures(
        load=load, requests=8, failed=0, output_tokens=8, window_s=1.0, system_tps=tps, requests_per_second=rate,
        offered=offered, prefix_hit=0.0, ttft=NO_SPREAD, tpot=NO_SPREAD, itl=NO_SPREAD, e2e=NO_SPREAD,
        queue=NO_SPREAD, slo_share=None, goodput=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("closed:8,2", ["closed:2", "closed:8"]),
        ("poisson:2,0.5", ["poisson:0.5", "poisson:2"]),
        ("burst:4", ["burst:4"]),
        ("all", ["all"]),
    ],
)
def test_levels_rise(text: str, levels: list[str]):
    assert [str(level) for level in parse_levels(text)] == levels


@pytest.mark.parametrize("text", ["closed:0", "closed:", "poisson:x", "sometimes:3", "closed:1,,2", ""])
def test_a_load_that_cannot_be_says_what_can(text: str):
    with pytest.raises(ValueError, match="a load cannot be"):
        parse_levels(text)


def test_objectives():
    slo = parse_slo("ttft=0.5, e2e=2")
    assert slo == Slo(ttft=0.5, e2e=2.0) and bool(slo) and not Slo()
    met = RequestMetrics(prompt_tokens=1, output_tokens=1, ttft_s=0.5, e2e_s=0.5)
    assert slo.met(met) and parse_slo("tpot=0.001").met(met), "one token has no TPOT that could be too long"
    assert not parse_slo("ttft=0.4").met(met)
    assert not slo.met(RequestMetrics(prompt_tokens=1, output_tokens=0))
    for wrong in ("ttft", "ttft=0", "ttft=nan", "speed=3", "e2e=-1"):
        with pytest.raises(ValueError, match="an SLO cannot be"):
            parse_slo(wrong)


def test_figures_by_hand():
    requests = [
        served(0, 10.0, [10.5, 11.0, 11.5]),
        served(1, 11.0, [12.0, 12.0, 13.0]),  # two tokens at once
    ]
    level = level_figures(Level(Arrivals("poisson", 2.0)), requests, 9.9, 1.0, Slo(ttft=0.7), None)
    assert (level.window_s, level.output_tokens, level.system_tps) == (3.0, 6, 2.0)
    assert level.failed == 0 and level.requests_per_second == pytest.approx(2 / 3)
    assert level.ttft == Spread(0.5, 1.0, 1.0) and level.e2e == Spread(1.5, 2.0, 2.0)
    assert level.itl == Spread(0.5, 1.0, 1.0) and level.prefix_hit == 0.25
    assert level.slo_share == pytest.approx(1 / 2) and level.goodput == pytest.approx(1 / 3)
    assert level.offered == pytest.approx(2 / (1.0 + 1.5))


def test_tokens_that_nobody_counts_give_no_rate():
    metrics = RequestMetrics(prompt_tokens=0, output_tokens=0, ttft_s=0.5, e2e_s=1.0)
    finished = RequestFinished(request_id="r0", reason="stop", metrics=metrics)
    uncounted = Generated("r0", times=[10.5, 11.0], finished=finished)
    assert level_figures(Level(users=1), [uncounted], 1.0, 0.0, Slo(), None).system_tps is None


def test_a_failure_betters_no_rate():
    """The last of three times out at 6 s, of which the two that are served need half."""
    requests = [served(0, 10.0, [10.5, 11.5]), served(1, 11.0, [12.0, 13.0]), Generated("r2")]
    level = level_figures(Level(users=1), requests, 6.0, 0.0, Slo(ttft=0.7), None)
    assert (level.failed, level.window_s, level.slo_share) == (1, 6.0, pytest.approx(1 / 3))
    assert level.requests_per_second == pytest.approx(2 / 6) and level.goodput == pytest.approx(1 / 6)
    late = level_figures(Level(Arrivals("poisson", 2.0)), requests[2:], 0.1, 5.0, Slo(ttft=0.7), None)
    assert (late.window_s, late.goodput, late.requests_per_second) == (5.0, 0.0, 0.0), "refused before it arrived"


def test_gaps_hold_every_token_but_the_first():
    assert gaps([1.0, 1.0, 1.5, 2.5, 2.5]) == [(0.0, 1), (0.5, 1), (1.0, 2)]
    assert gaps([1.0]) == [] and gaps([]) == []


def test_percentiles_lie_where_another_way_puts_them():
    values = [Random(1).random() for _ in range(999)]
    found = percentiles([(value, 1) for value in values], (0.5, 0.9, 0.99))
    cuts = quantiles(values, n=1000, method="inclusive")
    assert found == pytest.approx([cuts[499], cuts[899], cuts[989]], abs=0.01)


def test_saturation_of_an_open_and_of_a_closed_loop():
    closed = [figures("closed:1", 100), figures("closed:2", 190), figures("closed:4", 205), figures("closed:8", 400)]
    assert saturation(closed) == "closed:2"
    assert saturation(closed[:2]) == ""
    rising = [figures(f"poisson:{at}", 10.0 * at, rate, at) for at, rate in ((1, 1.0), (2, 1.9), (4, 2.4))]
    assert saturation(rising) == "poisson:2"
    assert saturation(rising[:2]) == saturation([]) == ""


def test_a_first_rate_that_is_too_much_is_said():
    assert (
        saturation([figures("poisson:20", 100, 8.0, 20.0), figures("poisson:40", 100, 8.0, 40.0)]) == "below poisson:20"
    )
    assert saturates([figures("poisson:20", 100, 8.0, 20.0)]) == "saturates below poisson:20"


def test_levels_are_judged_by_how_far_they_lie_apart():
    near = [figures("closed:8", 100), figures("closed:9", 108), figures("closed:10", 116)]
    assert saturation(near) == "", "each user more brings a user's worth"
    far = [figures("closed:1", 100), figures("closed:16", 120)]
    assert saturation(far) == "closed:1", "sixteen users are hardly faster than one"
    assert saturates(far) == "saturates after closed:1"


def test_each_seed_draws_other_prompts():
    shape = Shape(20, 5, parse_lengths("fixed 4"))
    one, again, other = (draw_requests("r", 4, Arrivals(), shape, 2048, Random(seed)) for seed in ("0 1", "0 1", "0 2"))
    assert one == again
    assert all(a.prompt_token_ids != b.prompt_token_ids for a, b in zip(one, other, strict=True))
    assert len({tuple(request.prompt_token_ids[:5]) for request in one}) == 1


@pytest.fixture
async def engine(tmp_path: Path):
    async with WorkerEngine("scripted", LoadModel(model="scripted"), tmp_path / "log") as engine:
        yield engine


async def test_a_closed_loop_keeps_as_many_running_as_there_are_users(engine: WorkerEngine):
    most: list[int] = []

    def watch(level: Level, done: int, total: int) -> None:
        most.append(sum(1 for request in engine.fold.requests.values() if not request.finished))

    told: list[LevelFigures] = []
    sweep = Sweep(parse_levels("closed:3"), Shape(8, 0, parse_lengths("fixed 6")), requests=9, warm_up=0)
    started = perf_counter()
    await run_sweep(engine, sweep, told.append, watch)
    wall = perf_counter() - started
    assert max(most) == 3
    assert told[0].output_tokens == 9 * 6 and told[0].failed == 0
    assert told[0].window_s == pytest.approx(wall, rel=0.25), "the engine's window is what a stopwatch sees"
    assert told[0].system_tps == pytest.approx(54 / told[0].window_s)


async def test_more_users_than_requests_are_another_load(engine: WorkerEngine):
    most: list[int] = []

    def watch(level: Level, done: int, total: int) -> None:
        most.append(sum(1 for request in engine.fold.requests.values() if not request.finished))

    told: list[LevelFigures] = []
    sweep = Sweep(parse_levels("closed:2,4"), Shape(8, 0, parse_lengths("fixed 4")), requests=2, warm_up=0)
    await run_sweep(engine, sweep, told.append, watch)
    assert [level.requests for level in told] == [4, 8] and max(most) == 4


async def test_warm_up_counts_nowhere_and_no_level_finds_anothers_prefix(engine: WorkerEngine):
    told: list[LevelFigures] = []
    sweep = Sweep(parse_levels("closed:1,2"), Shape(64, 64, parse_lengths("fixed 2")), requests=4, warm_up=2)
    await run_sweep(engine, sweep, told.append, lambda *_: None)
    assert [level.requests for level in told] == [4, 4]
    assert len(engine.fold.requests) == 2 + 4 + 4
    first = engine.fold.requests["level0-0"].finished, engine.fold.requests["level1-0"].finished
    assert [finished.metrics.cached_tokens for finished in first if finished] == [0, 0]
    assert told[0].prefix_hit > 0, "within a level the common beginning is found"


async def test_a_sweep_on_an_engine_that_had_one_runs_again(engine: WorkerEngine):
    sweep = Sweep(parse_levels("closed:1"), Shape(8, 0, parse_lengths("fixed 4")), requests=2, warm_up=0)
    told: list[LevelFigures] = []
    for _ in range(2):
        await run_sweep(engine, sweep, told.append, lambda *_: None)
    assert [level.failed for level in told] == [0, 0]


async def test_a_kept_cache_is_found(engine: WorkerEngine):
    told: list[LevelFigures] = []
    shape = Shape(64, 0, parse_lengths("fixed 2"))
    sweep = Sweep(parse_levels("closed:1,2"), shape, requests=3, warm_up=0, keep_prefix_cache=True)
    await run_sweep(engine, sweep, told.append, lambda *_: None)
    assert told[0].prefix_hit == 0 and told[1].prefix_hit > 0


async def test_an_engine_whose_interpreter_is_missing_fails_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv(VLLM_PYTHON, str(tmp_path / "python"))
    with pytest.raises(EngineFailed, match=r"cannot be started: .*/python: No such file"):
        await WorkerEngine("vllm", None, tmp_path / "log").__aenter__()
