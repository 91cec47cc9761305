"""Both runs of a load as a fold: figures counted by hand, the fit of steps, predictions against the real loop."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from playground.bench.load.arrivals import Arrivals
from playground.engine.prediction import predict
from playground.protocol.commands import Command, Lengths, Simulate, Submit
from playground.protocol.events import BlocksMapped, OptionsApplied, StepsExecuted
from playground.protocol.metrics import Memory
from playground.protocol.options import EngineOptions
from playground.protocol.steps import BlockTable, Step
from playground.protocol.wire import decode_command, decode_event, encode_line
from playground.tui.batching.blocks import blocks, figures, merged
from playground.tui.batching.figures import progress, verdict
from playground.tui.state.load_profile import POLICIES, LoadProfile
from playground.tui.state.load_run import LoadRun, same_tokens
from playground.tui.state.load_runs import LoadRuns
from playground.tui.state.state import State
from tests.tui.batching.recording import PAUSE_S, PREFILL_TOKEN_S, STEP_S, load_events, recording

PROFILE = LoadProfile(requests=24, slots=4)


def folded(profile: LoadProfile = PROFILE) -> LoadRuns:
    runs = LoadRuns()
    for policy in POLICIES:
        for message in load_events(profile, policy):
            if isinstance(message, Submit):
                assert runs.begin(message)
            elif not isinstance(message, Command):
                runs.add_event(message)
    return runs


def applied(dtype: str) -> OptionsApplied:
    return OptionsApplied(
        changed=[], requested=EngineOptions(), effective={"dtype": dtype}, cost="instant", seconds=0.0, step=0,
        before=Memory(), after=Memory(),
    )  # fmt: skip


def test_both_runs_end_with_the_same_tokens_and_continuous_is_faster() -> None:
    runs = folded()
    static, continuous = (runs.runs[policy] for policy in POLICIES)
    assert static.whole and continuous.whole and runs.running is None
    assert same_tokens(static, continuous) == 24
    assert static.made == continuous.made == static.asked
    assert runs.speed_up and runs.speed_up > 1.2
    assert static.usage.waste and static.usage.waste > 0.2 and continuous.usage.waste == 0
    assert verdict(runs).endswith("the same tokens in 24 of 24 requests")


@pytest.mark.parametrize(
    ("dtype", "end"), [("bfloat16", "requests; bfloat16 leaves near ties"), ("float32", "requests")]
)
def test_answers_that_differ_in_16_bits_have_their_reason(dtype: str, end: str) -> None:
    runs = folded()
    for policy in POLICIES:
        runs.runs[policy].dtype = dtype
    assert verdict(runs).endswith("24 of 24 requests")
    next(iter(runs.runs["static"].tokens.values()))[-1] += 1
    assert verdict(runs).endswith(f"23 of 24 {end}")


def test_figures_are_those_of_the_steps() -> None:
    steps: list[Step] = []
    for message in load_events(PROFILE, "static"):
        steps += message.steps if isinstance(message, StepsExecuted) else []
    run = folded().runs["static"]
    slots = [work for step in steps for work in step.slots]
    assert run.board.total == len(steps)
    assert run.usage.waste == sum(work.phase == "held" for work in slots) / len(slots)
    assert run.usage.occupancy == sum(work.phase in ("prefill", "decode") for work in slots) / len(slots)
    makespan = steps[-1].start + steps[-1].seconds - steps[0].start
    assert run.makespan == pytest.approx(makespan)
    assert run.tps == pytest.approx(run.asked / makespan)


def test_ttft_is_by_nearest_rank_over_requests() -> None:
    run = folded().runs["continuous"]
    seconds = sorted(event.metrics.ttft_s for event in run.finished.values())
    assert run.ttft() == [seconds[11], seconds[21], seconds[23]]


def test_letters_are_the_same_under_both_policies() -> None:
    runs = folded()
    shown = [[run.letters[each].text for each in run.requests] for run in runs.ordered()]
    assert shown[0] == shown[1] and shown[0][:9] == [*"ABCDEFGH", "A'"]


def test_steps_are_fitted_to_what_they_cost() -> None:
    cost = folded().runs["static"].fit.cost()
    assert cost and cost.base == pytest.approx(STEP_S + PAUSE_S, rel=0.02)
    assert cost.prefill_token == pytest.approx(PREFILL_TOKEN_S, rel=0.05)
    assert cost.row == pytest.approx(0.0, abs=STEP_S / 50)


@pytest.mark.parametrize("arrivals", [Arrivals(), Arrivals("poisson", 20.0), Arrivals("burst", 8)])
def test_a_prediction_with_the_cost_of_static_steps_meets_the_continuous_run(arrivals: Arrivals) -> None:
    runs = folded(LoadProfile(requests=24, slots=4, arrivals=arrivals, shared=50))
    static, continuous = (runs.runs[policy] for policy in POLICIES)
    command = Simulate(
        policy="continuous",
        requests=static.lengths(),
        slots=4,
        token_budget=256,
        block_size=16,
        blocks=128,
        cost=static.fit.cost(),
    )
    predicted = predict(decode_command(encode_line(command)))
    assert decode_event(encode_line(predicted)) == predicted
    assert predicted.steps == pytest.approx(continuous.board.total, rel=0.03)
    assert predicted.occupancy == pytest.approx(continuous.usage.occupancy, abs=0.03)
    assert predicted.makespan_s == pytest.approx(continuous.makespan, rel=0.03)
    assert predicted.refused == 0


def test_lengths_for_the_simulator_say_what_prompts_share() -> None:
    run = LoadRun("static", 1, next(iter(load_events(LoadProfile(shared=50, seed=4), "static"))).requests)  # type: ignore[union-attr]
    assert {(each.prompt, each.shared) for each in run.lengths()} == {(32, 16)}
    assert all(isinstance(each, Lengths) and each.delay_s == 0 for each in run.lengths())


def test_progress_by_predicted_steps_then_none() -> None:
    runs = LoadRuns()
    for count, message in enumerate(load_events(PROFILE, "static")):
        if isinstance(message, Submit):
            runs.begin(message)
        elif not isinstance(message, Command):
            runs.add_event(message)
        if count == 200:
            break
    now = progress(runs)
    assert now and now.number == 1 and 0 < now.share < 1 and now.left_s and now.left_s > 0
    assert progress(folded()) is None


def test_requests_of_a_load_are_none_of_the_conversation() -> None:
    state = State()
    for entry in recording(PROFILE):
        if entry.command is not None:
            state.add_command(entry.command, entry.t)
        else:
            state.add_event(entry.event, entry.t)
    assert not state.requests and state.status == "idle"
    assert state.load.speed_up and state.load.speed_up > 1.2
    assert [run.slots for run in state.load.ordered()] == [4, 4]
    assert all(run.fullest and run.fullest.tables for run in state.load.ordered())


def test_another_engines_run_is_drawn_beside_the_sessions_and_changes_nothing_else() -> None:
    state = State()
    seen = []
    for entry in recording(PROFILE, ["transformers", "vllm"]):
        if entry.command is not None:
            state.add_command(entry.command, entry.t)
        else:
            state.add_event(entry.event, entry.t)
        if "vllm" in state.load.runs:
            seen.append((state.last_step, state.memory, state.toggles.requested))
    assert state.load.sides == ("transformers", "vllm") and state.load.engines
    ours, theirs = state.load.ordered()
    assert ours.whole and theirs.whole and not ours.elsewhere and theirs.elsewhere
    assert ours.board.total == theirs.board.total > 0
    assert theirs.fullest and set(theirs.fullest.tables) <= set(theirs.requests)
    assert len(seen) > 100 and all(each == seen[0] for each in seen)
    assert state.last_step and not any("vllm" in str(work.request_id) for work in state.last_step.slots)
    assert verdict(state.load) == "vllm is as fast; the same tokens in 24 of 24 requests"


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("float32", "vllm is as fast; the same tokens in 24 of 24 requests; both in float32"),
        (
            "bfloat16",
            "not the same work: transformers in float32, vllm in bfloat16; vllm is as fast; "
            "the same tokens in 24 of 24 requests",
        ),
    ],
)
def test_what_each_engine_computed_in_is_said_as_it_was_read_back(theirs: str, said: str) -> None:
    state = State()
    for entry in recording(PROFILE, ["transformers", "vllm"]):
        if entry.command is None:
            state.add_event(entry.event, entry.t)
            continue
        if isinstance(entry.command, Submit) and not state.load.runs:
            state.add_event(applied("float32"), entry.t)
        state.add_command(entry.command, entry.t)
        if isinstance(entry.command, Submit) and len(state.load.runs) == 2:
            state.add_event(applied(theirs), entry.t)
    assert verdict(state.load) == said and state.toggles.effective["dtype"] == "float32"
    state.add_event(applied("float16"), 0.0)
    assert verdict(state.load) == said and state.toggles.effective["dtype"] == "float16"


def test_another_load_takes_the_place_of_the_one_before() -> None:
    runs = folded()
    runs.begin(next(iter(load_events(PROFILE, "static", load=2))))  # type: ignore[arg-type]
    assert list(runs.runs) == ["static"] and runs.speed_up is None and runs.running


def test_blocks_by_use_and_their_fragmentation() -> None:
    tables = {
        "a": BlockTable(blocks=[0, 1, 4], tokens=40),
        "b": BlockTable(blocks=[0, 2], tokens=17, held=True),
    }
    event = BlocksMapped(step=1, count=10, size=16, tables=tables, cached=[(6, 2)])
    row = blocks(event)
    assert [block.use for block in row] == ["shared", "owned", "held", "free", "owned", "free", "cached", "cached"]
    assert row[4].filled == 0.5 and row[2].filled == 1 / 16
    known = figures(event)
    assert (known.used, known.shared, known.cached, known.free) == (4, 1, 2, 4)
    assert known.unused == (8 + 15) / 64
    assert known.pieces == 2.0
    each, cells = merged(row, 4)
    assert each == 2 and [cell.use for cell in cells] == ["shared", "held", "owned", "cached"]


def test_a_run_counts_its_own_steps() -> None:
    run = folded().runs["continuous"]
    assert run.board.moment(0).step_index == 1
    assert run.board.moment(run.board.total - 1).step_index == run.board.total
    assert run.fullest and 0 < run.steps_before(run.fullest) <= run.board.total


def test_a_later_run_counts_from_one_as_well() -> None:
    runs = LoadRuns()
    for message in load_events(PROFILE, "static"):
        if isinstance(message, Submit):
            assert runs.begin(message)
        elif isinstance(message, StepsExecuted):
            runs.add_event(StepsExecuted(steps=[replace(step, index=step.index + 500) for step in message.steps]))
        elif isinstance(message, BlocksMapped):
            runs.add_event(replace(message, step=message.step + 500))
    run = runs.runs["static"]
    assert run.board.moment(0).step_index == 1 and run.blocks
    assert run.steps_before(run.blocks) <= run.board.total
