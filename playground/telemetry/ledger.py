"""The memory ledger: a sample of the machine and the memory that the engine reports, as labelled rows and a bar (see
`FORMULAS`). Pure."""

from __future__ import annotations

import msgspec

from playground.protocol.machine import GpuSample, MachineSampled
from playground.protocol.metrics import Memory
from playground.text.sizes import format_memory


class Row(msgspec.Struct, frozen=True):
    """One labelled figure; None is unknown. `note` is shown next to it."""

    label: str
    bytes: int | None
    note: str = ""


class Shares(msgspec.Struct, frozen=True):
    """Parts of the device's memory, each 0 .. 1, with the sum 1: the bar from left to right."""

    weights: float
    kv_used: float
    other: float
    free: float


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The memory panel. Without the memory of the device there is no bar; `reason` says why there is no GPU."""

    used: int | None
    total: int | None
    rows: tuple[Row, ...]
    shares: Shares | None
    reason: str


def memory_ledger(machine: MachineSampled, memory: Memory, gpu: GpuSample | None = None) -> Ledger:
    """The ledger of the device the engine runs on: `gpu`, or the host if that is None."""
    used, total, source = _device(machine, gpu)
    other = None if used is None else max(0, used - memory.weights - memory.kv_used)
    rows = (
        Row("device used", used, f"of {format_memory(total)} · {source}"),
        _process_on_gpu(machine, memory, gpu) if gpu else _process_on_host(machine, memory),
        *_allocator(memory),
        Row("weights", memory.weights, _named("predicted", memory.weights_predicted)),
        Row("KV used", memory.kv_used, _of_reserved(memory)),
        Row("KV reserved", memory.kv_reserved, _kv_note(memory)),
        Row("other", other),
    )
    shares = None if other is None or not total else _shares(memory, other, total)
    return Ledger(used=used, total=total, rows=rows, shares=shares, reason="" if gpu else machine.gpu_reason)


def server_ledger() -> Ledger:
    """The ledger of a model on a server, which does not tell its bytes; none of them are of this machine."""
    rows = tuple(Row(label, None) for label in ("device used", "weights", "KV used", "other"))
    return Ledger(used=None, total=None, rows=rows, shares=None, reason="a server does not show its memory")


def _device(machine: MachineSampled, gpu: GpuSample | None) -> tuple[int | None, int | None, str]:
    """(used, total, source)."""
    host = machine.host
    if gpu is None:
        return host.used, host.total, "container" if host.contained else "host"
    if gpu.memory:
        reserved = "" if gpu.memory.reserved is not None else ", with what the driver reserves"
        return gpu.memory.used, gpu.memory.total, f"NVML {gpu.memory.version}{reserved}"
    why = gpu.missing.get("memory") or gpu.missing.get("device", "")
    if why == "Not Supported":  # a GPU that shares the host's memory, such as GB10
        return host.used, host.total, "host, which this GPU shares"
    return None, None, f"NVML: {why}"


def _process_on_gpu(machine: MachineSampled, memory: Memory, gpu: GpuSample) -> Row:
    """NVML's figure of the worker, or its allocator's: in a container NVML lists the host's pids, if any."""
    worker = machine.host.worker
    for process in gpu.processes or ():
        if worker and process.pid == worker.pid and process.bytes is not None:
            return Row("process", process.bytes, "NVML")
    return Row("process", memory.reserved, "allocator · NVML does not list this process")


def _process_on_host(machine: MachineSampled, memory: Memory) -> Row:
    """Resident memory as the engine reports it, or as sampled from outside until its first report."""
    resident, anonymous, file = memory.process, memory.process_anonymous, memory.process_file
    worker = machine.host.worker
    if resident is None and worker:
        resident, anonymous, file = worker.rss, worker.rss_anonymous, worker.rss_file
    parts = [_named(name, part) for name, part in (("anonymous", anonymous), ("file", file))]
    return Row("process", resident, " · ".join(part for part in parts if part))


def _allocator(memory: Memory) -> list[Row]:
    """Rows of the caching allocator; a CPU has none."""
    figures = {"allocated": memory.allocated, "reserved": memory.reserved, "peak": memory.peak}
    return [Row(label, figure) for label, figure in figures.items() if figure is not None]


def _named(name: str, count: int | None) -> str:
    return "" if count is None else f"{name} {format_memory(count)}"


def _shares(memory: Memory, other: int, total: int) -> Shares:
    """The OS counts mapped weights as free, so each part is capped at what remains of the total, in order."""
    weights = min(memory.weights, total)
    kv_used = min(memory.kv_used, total - weights)
    other = min(other, total - weights - kv_used)
    free = total - weights - kv_used - other
    return Shares(weights / total, kv_used / total, other / total, free / total)


def _of_reserved(memory: Memory) -> str:
    note = f"of {format_memory(memory.kv_reserved)} reserved"
    return f"{note} · {format_memory(memory.kv_tails)} of it open blocks" if memory.kv_tails else note


def _kv_note(memory: Memory) -> str:
    note = f"most in use {format_memory(memory.kv_peak)}"
    return f"{note}; {format_memory(memory.kv_transient)} copied for attention" if memory.kv_transient else note
