"""A comparison in one sentence, by rules: what is within noise is never called a difference."""

from __future__ import annotations

from playground.bench.compare.runs import Comparison, Figure
from playground.text.numbers import UNKNOWN, format_kl

KL_FLOOR = 1e-6  # nats per token: below it the rounding to float16 decides
NOISE_TIMES = 3.0
TOO_NOISY = 0.1  # runs of one side that differ more hide a change, unless it is FAR_BEYOND times as large
FAR_BEYOND = 2.0
FEW_BLOCKS = 8  # with fewer, the rounding up of the last block decides
SHORT = {"kv_cache": "KV", "weights": "weights", "attention": "attention", "dtype": "", "speculation": "speculation"}


def verdict(name: str, comparison: Comparison) -> str:
    """`NAME: 3.4x less cache, no measurable slowdown, diverges at token 41, KL 0.020, above noise`."""
    if comparison.of("A") and comparison.of("B") and not comparison.text("A") + comparison.text("B"):
        return f"{name}: nothing to judge: both answers are empty"
    if block := _unfilled_block(name, comparison):
        return f"{name}: nothing was quantized: no block of {block} tokens was full; a longer text tells more"
    said = [
        _cache(comparison),
        _memory(comparison.weight_bytes, "weights"),
        _speed(comparison.tps),
        _first_token(comparison.ttft),
        _text(comparison),
        _kl(comparison),
    ]
    return f"{name}: {', '.join(filter(None, said))}"


def name_of(changes: dict[str, str]) -> str:
    """The name of B by its changes: `int4 KV`, or `max_batch=4` for toggles without a short name."""
    words = [
        f"{value} {SHORT[name]}".strip() if name in SHORT and value not in ("off", "auto") else f"{name}={value}"
        for name, value in changes.items()
    ]
    return " + ".join(words) or "B"


def word(figure: Figure, more: str, less: str) -> str:
    """The change in a word, for a table."""
    if figure.change is None:
        return UNKNOWN
    if figure.noise is None:
        return "not judged"
    if too_noisy(figure):
        return "more runs needed" if figure.differs else "too noisy"
    if not figure.differs:
        return "within noise" if figure.noise else "the same"
    return more if figure.change > 0 else less


def too_noisy(figure: Figure) -> bool:
    """Whether the runs differ too much to judge the change."""
    change, noise = abs(figure.change or 0.0), figure.noise or 0.0
    return noise > TOO_NOISY and change < FAR_BEYOND * noise


def kl_above_noise(comparison: Comparison) -> bool | None:
    """Whether the KL exceeds the noise; None without a KL."""
    mean = comparison.divergence.kl_mean
    if mean is None:
        return None
    return mean > max(KL_FLOOR, NOISE_TIMES * (comparison.divergence.noise or 0.0))


def _cache(comparison: Comparison) -> str:
    said, block = _memory(comparison.kv, "cache"), comparison.effective.get("B", {}).get("block_size", "")
    longest = _longest(comparison)
    if not said or not block.isdecimal() or longest >= FEW_BLOCKS * int(block):
        return said
    return f"{said} (blocks are rounded up: {longest} tokens in blocks of {block})"


def _longest(comparison: Comparison) -> int:
    return max((run.tokens for run in comparison.runs), default=0)


def _unfilled_block(name: str, comparison: Comparison) -> int:
    """Tokens of a block if the sides differ in the KV cache alone and no run filled a block; else 0."""
    effective = comparison.effective.get("B", {})
    block = effective.get("block_size", "")
    if name != name_of({"kv_cache": effective.get("kv_cache", "")}) or not block.isdecimal():
        return 0
    return int(block) if _longest(comparison) < int(block) and not comparison.kv.differs else 0


def _memory(figure: Figure, what: str) -> str:
    if not figure.differs or not figure.a or not figure.b:
        return ""
    factor = max(figure.a / figure.b, figure.b / figure.a)
    if factor < 1.005:
        return ""
    return f"{factor:.1f}x {'less' if figure.b < figure.a else 'more'} {what}"


def _speed(figure: Figure) -> str:
    if figure.change is None:
        return ""
    if figure.noise is None:
        return "speed not judged (one run: no noise known)"
    if too_noisy(figure):
        return f"speed too noisy to tell (±{figure.noise:.0%}: more runs or longer answers)".replace("%", " %")
    if not figure.differs:
        return "no measurable slowdown" if figure.change <= 0 else "no measurable speed-up"
    return f"{abs(figure.change):.0%}".replace("%", " %") + (" faster" if figure.change > 0 else " slower")


def _first_token(figure: Figure) -> str:
    if figure.change is None or not figure.differs or too_noisy(figure):
        return ""
    share = f"{abs(figure.change):.0%}".replace("%", " %")
    return f"first token {share} {'later' if figure.change > 0 else 'sooner'}"


def _text(comparison: Comparison) -> str:
    if not comparison.repeats:
        return "A does not repeat its own text"
    if not (comparison.of("A") and comparison.of("B")):
        return ""
    at = comparison.first_difference
    return "the same text" if at is None else f"diverges at {comparison.unit} {at + 1}"


def _kl(comparison: Comparison) -> str:
    mean, above = comparison.divergence.kl_mean, kl_above_noise(comparison)
    if mean is None:
        return f"no KL ({comparison.divergence.reason})" if comparison.divergence.reason else ""
    least = "≥ " if comparison.divergence.likeliest else ""
    return f"KL {least}{format_kl(mean)}, {'above' if above else 'within'} noise"
