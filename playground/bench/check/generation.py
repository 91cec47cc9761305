"""Whether the model generates: no endless loop, an end, and the same answer alone and in a batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from playground.bench.engine import EngineFailed, WorkerEngine
from playground.protocol.commands import ChatMessage, GenerationRequest, SamplingParams
from playground.protocol.events import CheckFinding
from playground.session.fold import Generated
from playground.text.sequences import first_difference

PROMPTS = ("def add(a, b):\n", "The weather today is", "1, 2, 3, 4,", "# Count the words of a text\n")
QUESTION = "write a function that adds two numbers"
TOKENS, MOST_CHAT_TOKENS = 48, 256
GRAM, FEWEST_DISTINCT = 4, 0.25


async def check_generation(engine: WorkerEngine) -> AsyncIterator[CheckFinding]:
    """Generate greedily on prompts of several kinds, alone and in a batch."""
    alone = [(await _answers(engine, [_request(f"alone-{at}", prompt)]))[0] for at, prompt in enumerate(PROMPTS)]
    together = await _answers(engine, [_request(f"together-{at}", prompt) for at, prompt in enumerate(PROMPTS)])
    yield _degenerate(alone)
    yield _invariance(alone, together, engine.fold.effective.get("dtype", ""))
    if engine.loaded.facts.has_chat_template:
        yield _stops((await _answers(engine, [_question()]))[0])


async def _answers(engine: WorkerEngine, requests: Sequence[GenerationRequest]) -> list[Generated]:
    """Raises `EngineFailed` for a request that was not served."""
    answers = await engine.generate(requests)
    for answer in answers:
        if answer.finished and answer.finished.reason in ("abort", "error"):
            raise EngineFailed(answer.finished.message)
    return answers


def _request(request_id: str, prompt: str) -> GenerationRequest:
    sampling = SamplingParams(max_tokens=TOKENS, ignore_eos=True)
    return GenerationRequest(request_id=request_id, prompt=prompt, sampling=sampling)


def _question() -> GenerationRequest:
    messages, sampling = [ChatMessage("user", QUESTION)], SamplingParams(max_tokens=MOST_CHAT_TOKENS)
    return GenerationRequest(request_id="question", messages=messages, sampling=sampling)


def _degenerate(answers: Sequence[Generated]) -> CheckFinding:
    shares = [distinct(answer.token_ids) for answer in answers]
    looping = sum(share < FEWEST_DISTINCT for share in shares)
    spread = f"{min(shares):.0%} to {max(shares):.0%} of runs of {GRAM} tokens are distinct"
    return CheckFinding(
        name="generation",
        verdict="warn" if looping > len(answers) / 2 else "pass",
        evidence=f"{looping} of {len(answers)} greedy answers loop; {spread}",
        advice="an untrained or broken model loops; so may a base model under greedy" if looping else "",
    )


def distinct(token_ids: Sequence[int]) -> float:
    """The share of distinct runs of `GRAM` tokens; 1 without any."""
    grams = [tuple(token_ids[at : at + GRAM]) for at in range(len(token_ids) - GRAM + 1)]
    return len(set(grams)) / len(grams) if grams else 1.0


def _invariance(alone: Sequence[Generated], together: Sequence[Generated], dtype: str) -> CheckFinding:
    first = [first_difference(one.token_ids, two.token_ids) for one, two in zip(alone, together, strict=True)]
    different = [at for at in first if at is not None]
    evidence = f"{len(alone)} answers are the same alone and in a batch"
    if different:
        evidence = f"{len(different)} of {len(alone)} differ in a batch, from token {min(different)} on ({dtype})"
    return CheckFinding(
        name="batch invariance",
        verdict="warn" if different else "pass",
        evidence=evidence,
        advice="near ties flip in 16 bit; dtype=float32 tells whether it is more than that" if different else "",
    )


def _stops(answer: Generated) -> CheckFinding:
    stopped = answer.finished is not None and answer.finished.reason == "stop"
    tokens = len(answer.token_ids)
    return CheckFinding(
        name="stops",
        verdict="pass" if stopped else "warn",
        evidence=f"an answer in chat ended by itself after {tokens} tokens" if stopped else f"none by {tokens} tokens",
        advice="" if stopped else "it may not know its end token; see 'end of a turn'",
    )
