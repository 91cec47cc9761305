"""The fields of a load."""

from __future__ import annotations

from playground.bench.load import arrivals, lengths
from playground.tui.fields import Field, number
from playground.tui.state.load_profile import MODEL_ENGINES, OTHER_ENGINES, STATIC

AGAINST = f"{STATIC} (batching) or another engine: {', '.join(OTHER_ENGINES)}"


def _read_against(text: str) -> str:
    if text not in (STATIC, *OTHER_ENGINES):
        raise ValueError(f"against cannot be {text!r}; it takes {AGAINST}")
    return text


FIELDS: tuple[Field, ...] = (
    Field("requests", "{} requests", ("8", "16", "32", "64", "128", "256"), *number("requests", 1, 1024)),
    Field(
        "arrivals",
        "arrivals {}",
        ("all", "poisson:4", "poisson:16", "burst:8", "burst:16"),
        arrivals.FORM,
        arrivals.parse_arrivals,
    ),
    Field(
        "lengths",
        "lengths {}",
        ("lognormal 16..256", "lognormal 8..64", "uniform 16..256", "fixed 64"),
        lengths.FORM,
        lengths.parse_lengths,
    ),
    Field("prompt", "prompt {}", ("16", "32", "64", "128", "512"), *number("prompt", 1, 8192)),
    Field("shared", "prefix {} %", ("0", "25", "50", "75", "100"), *number("shared", 0, 100)),
    Field("slots", "slots {}", ("2", "4", "8", "16", "32"), *number("slots", 1, 64)),
    Field("against", "against {}", (STATIC, *MODEL_ENGINES), AGAINST, _read_against),
    Field("seed", "seed {}", ("0", "1", "2", "3"), *number("seed", 0, 2**31)),
)
