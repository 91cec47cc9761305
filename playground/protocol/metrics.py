"""What is measured, with one definition for each number; the screen and every export show `FORMULAS`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

FORMULAS: dict[str, str] = {
    "TTFT": "first token id available − submitted = queue + load (if cold) + prefill",
    "TPS": "(N − 1) / (t_last − t_first), the first token excluded; N < 2 shows –; while it runs, of the last 2 s",
    "TPOT": "(E2E − TTFT) / (N − 1)",
    "ITL": "each gap between token events over the tokens in it; p50 / p90 / p99 over tokens",
    "E2E": "last token − submitted",
    "System TPS": "tokens in a window / window",
    "Goodput": "requests meeting every SLO / window, which ends with the last request, failed ones too",
    "Saturation": "the level before the first that finishes < 90 % of what is offered, or (closed) adds < 10 % TPS "
    "a doubling of users; below the first level where that one is too much",
    "Offered": "requests / (last arrival + median E2E of the lightest level): the rate if nothing had to wait",
    "Characters": "characters after the first token's / (t_last − t_first): compares models whose tokenizers differ",
    "Perplexity": "exp(nats per token); nats = −ln p(token | window before it), teacher-forced under the stored view",
    "Bits per byte": "sum of nats / ln 2 / bytes of the text in UTF-8: compares models whose tokenizers differ",
    "KL": "sum over ids of p(base) · ln(p(base) / p(this)), nats per token, on the same ids",
    "Agreement": "positions where base and this find the same id likeliest / positions",
    "A/A noise": "the base against itself, measured the same way: what is below it says nothing",
    "Run noise": "how far a median of runs may be off: its 95 % interval by order statistics, all runs of under 6",
    "Recall": "answers that begin with the code told in the first line / needles served",
    "Fertility": "tokens / words, special tokens left out; a word is a run of characters without white space",
    "Bytes per token": "bytes in UTF-8 / tokens, special tokens left out",
    "Text speed": "TPS · characters per token of this text: what the measured TPS would be worth in it",
    "Pays from": "median seconds of a step that verifies drafts / of a plain one, as many requests at a time; "
    "drafting pays where its tokens a step and request are more",
    "Occupancy": "busy slot-steps / slot-steps",
    "Waste": "idle-but-held slot-steps / slot-steps (static batching holds finished rows)",
    "Makespan": "last token − first arrival; speed-up is that of static / that of continuous",
    "Fragmentation": "room for tokens in used KV blocks that holds none / room in used KV blocks",
    "KV": "bytes of blocks in use: codes, scales, zeros, full-precision tails; never the pool reserved",
    "KV reserved": "blocks · bytes of a block + slots · an open block in the model's dtype, where full ones are codes",
    "Attention FLOPs": "4 · heads · head_dim · pairs; a pair: a query and a key it may see, n(n + 1)/2 in prefill",
    "Attention bytes": "(2 · heads · queries + 2 · KV heads · keys) · head_dim · bytes of a number: each is moved once",
    "Attention memory": "the most bytes a call allocates on top of its inputs and eager's mask, told by the allocator",
    "Roofline": "min(FLOP/s of a matrix product, FLOPs / bytes · bytes/s of a copy), both measured on this machine",
    "pass@k": "mean over tasks of 1 − C(n−c, k) / C(n, k): n samples, c of them right; interval: Wilson, 95 %",
    "WER": "(substitutions + insertions + deletions) / words said, over all recordings; normalizer named",
    "CER": "the same over characters",
    "SER": "recordings with any difference / recordings",
    "RTF": "seconds of work / seconds of sound; below 1 is faster than speech",
    "Exact match": "answers that are the expected one, case, punctuation and spacing apart / questions",
    "Memory": "device used: NVML v2; process: RSS on a CPU, allocator on a GPU; other = used − weights − KV used; "
    "weights: as they compute, copies laid out for products counted; predicted: by the checkpoint's files",
}


class RequestMetrics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request's numbers. Seconds on the engine's monotonic clock; None where the definition gives no value.
    `chunks`: pieces of text that a server sent without token ids; `output_tokens` is then the server's own count, 0 if
    it sends none. `cached_tokens` is None if a server does not tell them."""

    prompt_tokens: int
    output_tokens: int
    cached_tokens: int | None = 0
    queue_s: float | None = None
    load_s: float | None = None
    prefill_s: float | None = None
    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    decode_tps: float | None = None
    characters_per_second: float | None = None
    itl_p50_s: float | None = None
    itl_p90_s: float | None = None
    itl_p99_s: float | None = None
    preemptions: int = 0
    chunks: int = 0


# The metrics of a request that produced no token.
NO_METRICS = RequestMetrics(prompt_tokens=0, output_tokens=0)


def prefix_hit(requests: Sequence[RequestMetrics]) -> float | None:
    """Share of prompt tokens that the prefix cache served, of requests that tell; None without prompt tokens."""
    told = [(request.cached_tokens, request.prompt_tokens) for request in requests if request.cached_tokens is not None]
    tokens = sum(prompt for _, prompt in told)
    return sum(cached for cached, _ in told) / tokens if tokens else None


class Memory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The engine process's memory ledger in bytes; None if unknown. `kv_reserved`: all blocks plus `kv_tails`, the
    unquantized tail blocks of all slots under a quantized cache. `kv_transient`: peak bytes of temporary copies of keys
    and values: one layer dequantized, or the gathered view of a decoding batch."""

    weights: int = 0
    weights_predicted: int | None = None
    kv_used: int = 0
    kv_reserved: int = 0
    kv_tails: int = 0
    kv_peak: int = 0
    kv_transient: int = 0
    process: int | None = None
    process_anonymous: int | None = None
    process_file: int | None = None
    allocated: int | None = None
    reserved: int | None = None
    peak: int | None = None
