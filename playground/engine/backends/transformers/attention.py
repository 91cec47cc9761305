"""Attention: what is asked for, what PyTorch really runs, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask

from playground.engine.backends.base import EngineError
from playground.engine.backends.transformers.codes_attention import FUSED
from playground.engine.backends.transformers.decoder import Decode
from playground.engine.backends.transformers.kv_cache import PagedCache, Row, uneven
from playground.engine.backends.transformers.varlen import Kernel, Ragged
from playground.engine.backends.transformers.varlen_trial import tried_kernel
from playground.protocol.options import ran_as_asked

UNKNOWN = "–"
BOTH = " + "
GROUPED = "playground_grouped_sdpa"
KERNELS = {
    "sdpa-math": [SDPBackend.MATH],
    "sdpa-flash": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
}
NAMES = {
    "_scaled_dot_product_flash_attention_for_cpu": "sdpa-flash",
    "_scaled_dot_product_flash_attention": "sdpa-flash",
    "_scaled_dot_product_efficient_attention": "sdpa-efficient",
    "_scaled_dot_product_cudnn_attention": "sdpa-cudnn",
    "_scaled_dot_product_attention_math_for_mps": "sdpa-math",
    "_varlen_attn": "flash-varlen",
}
# Where a mask takes another kernel than none does.
MASKS_MATTER = ("cuda",)


def grouped_sdpa(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | Ragged | None,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Scaled dot product attention of query [B, Hq, q, D] over key, value [B, Hkv, L, D]; returns [B, q, Hq, Dv].

    Key and value heads are never repeated in memory: query heads of one group share them. In decode (q = 1) the group
    takes the place of the query axis; under a mask on a GPU, where no fused kernel shares heads, it joins that axis.
    """
    if isinstance(attention_mask, Ragged):
        return attention_mask.attend(query, key, value, scaling), None
    batch, heads, length, _dim = query.shape
    groups = heads // key.shape[1]
    masked = attention_mask is not None and query.device.type in MASKS_MATTER
    if groups > 1 and (length == 1 or masked) and (attention_mask is None or attention_mask.shape[1] == 1):
        folded = query.reshape(batch, key.shape[1], groups * length, -1)
        mask = attention_mask if attention_mask is None or length == 1 else attention_mask.repeat(1, 1, groups, 1)
        output = F.scaled_dot_product_attention(folded, key, value, attn_mask=mask, scale=scaling)
        return output.reshape(batch, heads, length, -1).transpose(1, 2).contiguous(), None
    causal = length > 1 and attention_mask is None and (is_causal if is_causal is not None else True)
    output = F.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, is_causal=causal, scale=scaling, enable_gqa=groups > 1
    )
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(GROUPED, grouped_sdpa)
ALL_MASK_ATTENTION_FUNCTIONS.register(GROUPED, sdpa_mask)


class KernelWatch(TorchDispatchMode):
    """Notes which attention kernels really run inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.partition("::")[2]
        if name in NAMES:
            self.seen.add(NAMES[name])
        elif name in ("_softmax", "_safe_softmax"):
            self.seen.add("softmax")
        elif name == "scaled_dot_product_attention":
            # Inference mode hands this composite over whole: only its parts tell the kernel.
            with self:
                return func.decompose(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def kernel(self, eager: bool) -> str:
        """The name of what ran: a fused kernel, or scores that were really materialised."""
        fused = sorted(self.seen - {"softmax"})
        return BOTH.join(fused) if fused else "eager" if eager else "sdpa-math"


class LayerWatch:
    """Watches one layer of each kind, from the moment that its keys and values are there until it has attended, or
    where nobody tells of that, until the next layer's come: every operator that is watched costs more than itself, and
    what one layer runs, all of its kind run."""

    def __init__(self, every: bool) -> None:
        self.kernels = KernelWatch()
        self.kinds: set[tuple[torch.Size, torch.Size]] = set()
        self._every, self._on = every, False

    def begin(self, keys: Tensor, values: Tensor) -> None:
        """A layer attends over these from now on."""
        kind = keys.shape, values.shape
        if self._every or kind not in self.kinds:
            self.kinds.add(kind)
            self._on = True
            self.kernels.__enter__()

    def end(self) -> None:
        """What comes now is no attention."""
        if self._on:
            self._on = False
            self.kernels.__exit__(None, None, None)

    def ran(self, kernel: str) -> None:
        """A kernel that is no operator of PyTorch's has run."""
        self.kernels.seen.add(kernel)


class AttentionSwitch:
    """The attention of one loaded model: sets it, reads it back, says why it is not what was asked."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model, self.device = model, model.device
        self._softcap = getattr(model.config, "attn_logit_softcapping", None) is not None
        text = model.config.get_text_config()
        kinds = set(getattr(text, "layer_types", None) or ())
        self._windows = bool(getattr(text, "sliding_window", None) or kinds - {"full_attention"})
        self.requested = "auto"
        self.effective: dict[str, str] = {}
        self.reason = ""
        self._watched: set[tuple[str, bool]] = set()
        self._codes = False
        self._varlen: Kernel | None = None
        self._why_masks: str | None = None
        self._implementation = self._read_back()

    def why_not(self, value: str) -> str:
        """Why a value cannot be had with this model here; empty if it can."""
        if value in ("auto", "eager"):
            return ""
        if value.startswith("flash_attention"):
            return _why_not_flash(self._model, value)
        if self._softcap:
            return "this model caps its attention scores, which sdpa would silently leave out"
        return "" if self._model._supports_sdpa else f"{type(self._model).__name__} has no sdpa path"

    def set(self, value: str) -> None:
        """Switch; raises `EngineError` and leaves what was, if the value cannot be had."""
        if reason := self.why_not(value):
            raise EngineError(f"attention={value} is not possible: {reason}", "eager always is")
        before = self._implementation
        wanted = self._wanted(value)
        try:
            self._model.set_attn_implementation(wanted)
        except (ValueError, ImportError) as error:
            self._model.set_attn_implementation(before)
            raise EngineError(f"attention={value} is not possible: {str(error).splitlines()[0]}") from None
        self._implementation = self._read_back()
        self.requested, self.effective, self._watched = value, {}, set()
        self.reason = (
            "" if self._implementation == wanted else f"{type(self._model).__name__} keeps {self._implementation}"
        )

    def try_varlen(self, decoder: Decode | None) -> None:
        """Find out, once, whether ragged batches of this model can have what was asked for: see `varlen_trial`."""
        asked = self.requested == "sdpa-flash" and self.device.type in MASKS_MATTER and self.takes_ready_masks
        if asked and decoder and self._why_masks is None:
            with self.context():
                self._varlen, self._why_masks = tried_kernel(decoder, self.device, self._model.dtype)

    @property
    def varlen(self) -> Kernel | None:
        """What ragged batches run through instead of under a mask; none where masks are used."""
        return self._varlen if self.requested == "sdpa-flash" and self.takes_ready_masks else None

    @property
    def takes_ready_masks(self) -> bool:
        """A 4-D boolean mask is used as it is: sdpa through the attention interface, and no sliding windows."""
        return self._implementation == GROUPED and not self._windows

    @property
    def takes_any_mask(self) -> bool:
        """A 4-D mask of our own decides what every query sees, whatever the positions of the keys."""
        return self.takes_ready_masks or (
            self._implementation == "eager" and self._model._supports_attention_backend and not self._windows
        )

    def let_codes(self, allowed: bool) -> None:
        """From now on rows that decode may attend over a quantized cache as it is stored, or no more. Where that is
        news, what they run is not known until they run."""
        before = self.over_codes
        self._codes = allowed
        if self.over_codes != before:
            self.effective.pop("decode", None)
            self._watched = {kind for kind in self._watched if kind[0] != "decode"}

    @property
    def over_codes(self) -> bool:
        """Rows that decode attend over a quantized cache as it is stored."""
        return self._codes and self.requested == "auto" and self.takes_ready_masks

    def ready(self, mask: Tensor) -> Tensor:
        """A 4-D mask, true where a query sees a key, in the form that the attention of now takes."""
        if self.takes_ready_masks:
            return mask
        added = torch.zeros(mask.shape, dtype=self._model.dtype, device=mask.device)
        return added.masked_fill_(~mask, torch.finfo(self._model.dtype).min)

    def context(self) -> AbstractContextManager[Any]:
        """Restricts PyTorch's choice of kernel while the model runs. Its own choice on a GPU may be cuDNN, which plans
        anew, for tens of milliseconds, whenever a context has grown by a token."""
        chosen = "sdpa-flash" if self.requested == "auto" and self.device.type == "cuda" else self.requested
        if self._implementation in ("sdpa", GROUPED) and chosen in KERNELS:
            return sdpa_kernel(KERNELS[chosen], set_priority=True)
        return nullcontext()

    def watches(self, phase: str, rows: Sequence[Row]) -> bool:
        """The next forward of these rows is the first of its kind after a switch."""
        return self._kind(phase, rows) not in self._watched

    @contextmanager
    def watched(self, phase: str, cache: PagedCache, rows: Sequence[Row]) -> Iterator[None]:
        """The first forward of a phase (prefill or decode) through `cache` after a switch is watched, by layers, and on
        a GPU the first uneven one as well, which may run another kernel; the others just run."""
        if not self.watches(phase, rows):
            yield
            return
        cache.watch = watch = LayerWatch(self._windows)
        try:
            yield
        finally:
            cache.watch = None
            watch.end()
        if watch.kernels.seen or watch.kinds:
            self._watched.add(self._kind(phase, rows))
            self._note(phase, watch.kernels)

    @contextmanager
    def watched_whole(self, phase: str) -> Iterator[None]:
        """Every operator of this forward, over a plain cache, is watched."""
        with KernelWatch() as watch:
            yield
        if self.over_codes and phase == "decode":
            return  # it will run another way
        self._watched.add((phase, False))
        self._note(phase, watch)

    def _kind(self, phase: str, rows: Sequence[Row]) -> tuple[str, bool]:
        return phase, self.device.type in MASKS_MATTER and uneven(rows)

    def _note(self, phase: str, watch: KernelWatch) -> None:
        flash = self._implementation.startswith("flash_attention")
        ran = self._implementation if flash else watch.kernel(self._implementation == "eager")
        known = self.effective.get(phase, ran).split(BOTH)
        self.effective[phase] = BOTH.join(sorted({*known, *ran.split(BOTH)}))

    @property
    def known(self) -> bool:
        """Both phases have run since the last switch, or will only run as a request does."""
        return "prefill" in self.effective and ("decode" in self.effective or self.over_codes)

    def summary(self) -> dict[str, str]:
        """Effective attention, overall and per phase; a phase that has not run since the switch is not known yet."""
        prefill, decode = (self.effective.get(phase, UNKNOWN) for phase in ("prefill", "decode"))
        ran = set(self.effective.values())
        every = BOTH.join(sorted({kernel for kernels in ran for kernel in kernels.split(BOTH)}))
        as_one = len(ran) == 1 or (ran and ran_as_asked(self.requested, every))
        both = every if as_one else f"prefill {prefill}, decode {decode}"
        return {"attention": both, "attention_prefill": prefill, "attention_decode": decode}

    @property
    def difference(self) -> str:
        """Why the effective attention is not the requested one, or what decides it; empty if nothing is to be said."""
        if FUSED in self.effective.get("decode", ""):
            return "compiled: decode reads the KV cache's codes as they are stored"
        if self.requested == "auto" or all(ran_as_asked(self.requested, ran) for ran in self.effective.values()):
            return ""
        if self._why_masks and self.requested == "sdpa-flash":
            return f"PyTorch's flash kernel takes no mask here, and without one: {self._why_masks}"
        return self.reason or "PyTorch has no such kernel for these shapes, this mask and this dtype"

    def _read_back(self) -> str:
        modules = (module for module in self._model.modules() if isinstance(module, PreTrainedModel))
        return next(str(module.config._attn_implementation) for module in modules)

    def _wanted(self, value: str) -> str:
        if value == "auto":
            value = "sdpa" if not self.why_not("sdpa-flash") else "eager"
        if value in ("eager",) or value.startswith("flash_attention"):
            return value
        return GROUPED if self._model._supports_attention_backend else "sdpa"


def _why_not_flash(model: PreTrainedModel, value: str) -> str:
    package = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}[value]
    if model.device.type != "cuda":
        return "it needs an NVIDIA GPU; sdpa-flash is PyTorch's own FlashAttention and runs here"
    from importlib.util import find_spec

    if find_spec(package) is None:
        return f"the package {package} is not installed"
    return "" if model.dtype in (torch.float16, torch.bfloat16) else "it needs float16 or bfloat16"
