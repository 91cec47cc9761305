"""Random requests: prompts of random ids with a common prefix, answer lengths, and arrival times."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from playground.bench.load.arrivals import Arrivals, delays
from playground.bench.load.lengths import Lengths, draw
from playground.protocol.commands import GenerationRequest, SamplingParams

ANY_VOCABULARY = 1000


class Shape(NamedTuple):
    """Sizes of requests: `prompt` tokens, of which all prompts share the first `shared`, and the lengths of answers,
    which EOS may end before unless `ignore_eos`."""

    prompt: int
    shared: int
    lengths: Lengths
    ignore_eos: bool = True


def draw_requests(
    name: str, count: int, arrivals: Arrivals, shape: Shape, vocabulary: int, random: Random
) -> list[GenerationRequest]:
    """Draw `count` requests called NAME-0 and so on, in order of arrival."""
    known = vocabulary or ANY_VOCABULARY
    at = delays(arrivals, count, random)
    prefix = _ids(shape.shared, known, random)
    drawn = []
    for index, delay in enumerate(at):
        tokens = draw(shape.lengths, random)
        drawn.append(
            GenerationRequest(
                request_id=f"{name}-{index}",
                prompt_token_ids=prefix + _ids(shape.prompt - shape.shared, known, random),
                sampling=SamplingParams(max_tokens=tokens, ignore_eos=shape.ignore_eos),
                delay_s=delay,
            )
        )
    return drawn


def _ids(tokens: int, vocabulary: int, random: Random) -> list[int]:
    return [random.randrange(vocabulary) for _ in range(tokens)]
