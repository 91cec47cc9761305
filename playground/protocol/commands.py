"""Commands the UI sends to a worker, named as imperatives."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from playground.protocol.options import EngineOptions, Policy, Value
from playground.protocol.speech import SpeechOptions

Kernel = Literal["eager", "sdpa-math", "sdpa-flash"]
KERNELS: tuple[Kernel, ...] = get_args(Kernel)


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True, omit_defaults=True):
    """Base of all commands; on the wire, `type` holds the class name."""


class SamplingParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How tokens are chosen. Temperature 0 is greedy. `ignore_eos`: EOS is an ordinary token and does not stop."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: list[str] = []
    ignore_eos: bool = False


class ChatMessage(msgspec.Struct, frozen=True):
    """One turn of a conversation, for the model's chat template."""

    role: Literal["system", "user", "assistant"]
    content: str


class GenerationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request: exactly one of `prompt`, `prompt_token_ids`, `messages`. It arrives `delay_s` after the command."""

    request_id: str
    prompt: str | None = None
    prompt_token_ids: list[int] | None = None
    messages: list[ChatMessage] | None = None
    sampling: SamplingParams = SamplingParams()
    delay_s: float = 0.0


class LoadModel(Command, frozen=True):
    """Load a checkpoint: a folder or a hub id. A model that is already loaded is unloaded first.

    vLLM only: the number of GPUs, the executor, and whether requests in flight continue or end when a toggle needs a
    restart. Servers only: the address and the seconds of silence after which a request fails; `model` is the server's
    name for it, empty if it serves only one. The API key is never part of a command.
    """

    model: str
    options: EngineOptions = EngineOptions()
    trust_remote_code: bool = False
    allow_pickle: bool = False
    tensor_parallel: int = 1
    executor: Literal["auto", "mp", "ray"] = "auto"
    in_flight: Literal["resubmit", "end"] = "resubmit"
    url: str = ""
    timeout_s: float = 60.0


class CancelLoad(Command, frozen=True):
    """Stop the running load, after which the worker has no model, or the running measurement."""


class SetOptions(Command, frozen=True):
    """Change toggles while requests run: now, or before engine step `at_step`, so that scripts are reproducible.
    `rebuild`: recompute requests whose keys and values went through a coarser KV cache. `measuring`: a measurement
    switches, not the user."""

    changes: dict[str, Value]
    at_step: int | None = None
    rebuild: bool = False
    measuring: bool = False


class Submit(Command, frozen=True):
    """Queue requests; those of one command are seen by the same scheduling decision."""

    requests: list[GenerationRequest]


class BeginConversation(Command, frozen=True):
    """The user leaves the exchanges so far behind. For recordings: no engine needs to know."""


class Abort(Command, frozen=True):
    """End a request, or all if None, within one step; for a transcript `request_id` is its key."""

    request_id: str | None = None


class ResetPrefixCache(Command, frozen=True):
    """Forget every cached prefix, so that the next request starts cold."""


class MapBlocks(Command, frozen=True):
    """Ask once which request holds which KV blocks."""


class Lengths(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request by its numbers of tokens; the first `shared` prompt tokens are common to all requests. It arrives after
    `delay_s`."""

    request_id: str
    prompt: int
    output: int
    shared: int = 0
    delay_s: float = 0.0


class StepSeconds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A linear model of a step's seconds: `base`, plus a cost per prefill token, plus one per decoding or held row."""

    base: float
    prefill_token: float = 0.0
    row: float = 0.0


class Simulate(Command, frozen=True):
    """Ask for a simulation of a policy on these requests, without a model; without `cost` only steps are predicted."""

    policy: Policy
    requests: list[Lengths]
    slots: int
    token_budget: int
    block_size: int
    blocks: int
    prefix_cache: bool = True
    cost: StepSeconds | None = None


class Tokenize(Command, frozen=True):
    """Ask for the token ids of texts, special tokens as the model's tokenizer adds them to a prompt. `chat`: each text
    is a user's message and goes through the chat template."""

    key: str
    texts: list[str]
    chat: bool = False


class Score(Command, frozen=True, kw_only=True):
    """Teacher-force `token_ids` under the stored view of the KV cache. `keep_as` keeps the logits in the worker under
    a name, `against` compares with logits kept before; they never cross the pipe. `likeliest`: how many
    log-probabilities to return per position, for engines that cannot share kept logits."""

    key: str
    token_ids: list[int]
    keep_as: str | None = None
    against: str | None = None
    likeliest: int = 0


class ListInputs(Command, frozen=True):
    """Ask for the microphones that are connected now."""


class StartListening(Command, frozen=True, kw_only=True):
    """Open a microphone and transcribe it, loading the model if needed. `input`: a device's name, empty for the
    system's default. `keep_audio`: a WAV file to record to, empty for none."""

    key: str
    options: SpeechOptions
    input: str = ""
    keep_audio: str = ""


class StopListening(Command, frozen=True):
    """Close the microphone; what was said until now is still transcribed."""


class Transcribe(Command, frozen=True, kw_only=True):
    """Transcribe an audio file, in any format that FFmpeg reads."""

    key: str
    path: str
    options: SpeechOptions


class MeasureAttention(Command, frozen=True):
    """Time one attention call with the loaded model's head shapes at each length, kernel by kernel: prefill (as many
    queries as keys, causal) and decode (one query). `CancelLoad` stops it; points measured by then were already sent.
    """

    lengths: list[int]
    kernels: list[Kernel]
    repeats: int = 5


class MeasureOutliers(Command, frozen=True):
    """Run one forward over a prompt to find which input columns of which linear layers hold large values. `CancelLoad`
    does not stop it: it takes as long as a prefill."""

    prompt: str
    columns: int = 64


class CheckModel(Command, frozen=True):
    """Check a checkpoint without loading it: files, headers, tensors, tokenizer, template. Runs none of its code."""

    model: str
    allow_pickle: bool = False


class UnloadModel(Command, frozen=True):
    """Unload the model. Only the end of the process is sure to return all of its memory."""


class Shutdown(Command, frozen=True):
    """End the worker; the end of its input means the same."""
