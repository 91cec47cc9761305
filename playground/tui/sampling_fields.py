"""The sampling parameters as fields, and in short."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import msgspec.inspect

from playground.preset import SAMPLING_LIMITS
from playground.protocol.commands import SamplingParams
from playground.toml_file import describe
from playground.tui.fields import Field, Read, number

DEFAULTS = SamplingParams()
STOPS, IGNORED, OFF = "stops", "is ignored", "off"
LONGEST = 1 << 17  # if no model says its context
SEEDS = 2**63 - 1
MORE = "…"
ABOUT = {
    "max tokens": "new tokens at most",
    "EOS": "the model's end of text; ignored: on to max tokens",
    "temperature": "0 takes the likeliest token; above, tokens are drawn",
    "top-k": "draws from the k likeliest tokens; 0: from all",
    "top-p": "draws from the likeliest that make up p; 1: from all",
    "min-p": "draws from those at least p times the likeliest",
    "repetition": "above 1, tokens that were there become less likely",
    "seed": "the same seed draws the same again",
}


def fields(sampling: SamplingParams, context: int) -> tuple[Field, ...]:
    """The fields, with the current values among the choices; `context` is the model's, 0 without a model."""
    most = max(context or LONGEST, sampling.max_tokens)
    lengths = ["64", "128", "256", "512", "1024", "2048", "4096", "8192", str(context or LONGEST)]
    tokens = [each for each in lengths if int(each) <= most]
    seed_form, read_seed = number("seed", 0, SEEDS)
    seeds = () if sampling.seed is None else (str(sampling.seed),)
    return (
        Field("max_tokens", "max tokens {}", _among(tokens, sampling.max_tokens), *number("max_tokens", 1, most)),
        Field("ignore_eos", "EOS {}", (STOPS, IGNORED), f"{STOPS} or {IGNORED}", _read_eos, _write_eos),
        _limited("temperature", "temperature {}", "0 0.2 0.4 0.6 0.8 1 1.2 1.5 2", sampling),
        _limited("top_k", "top-k {}", "0 5 10 20 40 100", sampling),
        _limited("top_p", "top-p {}", "0.5 0.8 0.9 0.95 1", sampling),
        _limited("min_p", "min-p {}", "0 0.02 0.05 0.1 0.2", sampling),
        _limited("repetition_penalty", "repetition {}", "1 1.05 1.1 1.2 1.5", sampling),
        Field(
            "seed",
            "seed {}",
            (OFF, *_among(["0", "1", "2", "3"], *seeds)),
            f"{OFF} or {seed_form}",
            lambda text: None if text == OFF else read_seed(text),
            lambda seed: OFF if seed is None else str(seed),
        ),
    )


def in_short(sampling: SamplingParams, room: int) -> str:
    """The values that are not the defaults, as many as fit: `512 tok  T 0.8  no EOS`."""
    short = ""
    for part in _parts(sampling):
        longer = f"{short}  {part}".lstrip()
        if len(longer) > room:
            return f"{short}{MORE}"
        short = longer
    return short


def _parts(sampling: SamplingParams) -> Iterable[str]:
    if sampling.max_tokens != DEFAULTS.max_tokens:
        yield f"{sampling.max_tokens} tok"
    if sampling.ignore_eos:
        yield "no EOS"
    names = {"temperature": "T", "top_k": "k", "top_p": "p", "min_p": "min-p", "repetition_penalty": "rep"}
    for name, short in (names | {"seed": "seed"}).items():
        if (value := getattr(sampling, name)) != getattr(DEFAULTS, name):
            yield f"{short} {_plain(value)}"
    if sampling.stop:
        yield f"{len(sampling.stop)} stop"


def _plain(value: float) -> str:
    """All digits of a number, without a final `.0`."""
    return str(value).removesuffix(".0")


def _among(choices: Iterable[str], *values: object) -> tuple[str, ...]:
    """Choices in order, with the current values among them."""
    return tuple(sorted({*choices, *(_plain(value) for value in values)}, key=float))  # type: ignore[arg-type]


def _limited(name: str, label: str, choices: str, sampling: SamplingParams) -> Field:
    """A field for a number within the limits of presets."""
    form = describe(msgspec.inspect.type_info(SAMPLING_LIMITS[name]))
    return Field(name, label, _among(choices.split(), getattr(sampling, name)), form, _reader(name, form), _plain)


def _reader(name: str, form: str) -> Read:
    def read(text: str) -> object:
        try:
            return msgspec.convert(text, SAMPLING_LIMITS[name], strict=False)
        except msgspec.ValidationError:
            raise ValueError(f"{name} cannot be {text!r}; it takes {form}") from None

    return read


def _read_eos(text: str) -> bool:
    if text not in (STOPS, IGNORED):
        raise ValueError(f"EOS {STOPS} or {IGNORED}, not {text!r}")
    return text == IGNORED


def _write_eos(ignored: bool) -> str:
    return IGNORED if ignored else STOPS
