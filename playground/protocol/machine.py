"""A sample of the UI's machine, in bytes, watts and percent. A sensor without a reading is None, never 0."""

from __future__ import annotations

import msgspec

from playground.protocol.events import Event


class ProcessSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One process. `cpu_percent` is of one core; anonymous and file-backed pages are known on Linux only."""

    pid: int
    cpu_percent: float | None = None
    rss: int | None = None
    rss_anonymous: int | None = None
    rss_file: int | None = None


class HostSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The machine's memory and cores. `cpu_percent` is of all cores; `container_*` are of the tightest cgroup."""

    memory_total: int | None = None
    memory_used: int | None = None
    container_limit: int | None = None
    container_used: int | None = None
    cpu_percent: float | None = None
    worker: ProcessSample | None = None

    @property
    def contained(self) -> bool:
        """Whether a container allows less than the machine has."""
        limit, total = self.container_limit, self.memory_total
        return limit is not None and (total is None or limit < total)

    @property
    def total(self) -> int | None:
        """Most bytes that processes here may use."""
        return self.container_limit if self.contained else self.memory_total

    @property
    def used(self) -> int | None:
        """Bytes in use out of `total`; file pages that the system can drop count as free."""
        return self.container_used if self.contained else self.memory_used


class GpuMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Memory of a GPU or MIG instance. In NVML v1 `used` includes what the driver reserves; v2 has `reserved`."""

    total: int
    used: int
    free: int
    reserved: int | None = None
    version: str


class GpuProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process computing on a GPU. The driver knows no PID namespaces: inside a container `pid` is the host's."""

    pid: int
    bytes: int | None


class Board(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sensors of a whole card. `throttle` names why clocks are held down; empty: they are not."""

    utilization_percent: int | None = None
    power_watts: float | None = None
    temperature_celsius: int | None = None
    throttle: tuple[str, ...] | None = None


class GpuSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A GPU, or a MIG instance with the board of its `parent`.

    `missing` maps a sensor to NVML's reason why it gave nothing; `device` is there if the card itself is out of reach.
    """

    index: int
    uuid: str | None = None
    parent: str | None = None
    name: str | None = None
    memory: GpuMemory | None = None
    board: Board = Board()
    processes: tuple[GpuProcess, ...] | None = None
    missing: dict[str, str] = {}


class MachineSampled(Event, frozen=True):
    """One sample at `time`, in monotonic seconds of the UI, which takes it: a worker may be dead, or its driver hang.
    `gpu_reason` says why there are no `gpus`."""

    time: float
    host: HostSample = HostSample()
    gpus: tuple[GpuSample, ...] = ()
    gpu_reason: str = ""
