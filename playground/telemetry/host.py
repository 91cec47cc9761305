"""Memory and cores of the machine and of one worker (psutil); a reading that fails costs no other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from playground.protocol.machine import HostSample, ProcessSample
from playground.telemetry.cgroup import container_memory


class Host:
    """Samples the host. CPU percentages are measured since the previous sample, so the first sample has none."""

    def __init__(self) -> None:
        self._started = False
        self._processes: dict[int, psutil.Process] = {}

    def sample(self, worker_pid: int | None = None) -> HostSample:
        """Sample the host. A worker that has ended gives None."""
        total, used = _machine_memory()
        limit, contained = container_memory() or (None, None)
        return HostSample(
            memory_total=total,
            memory_used=used,
            container_limit=limit,
            container_used=contained,
            cpu_percent=self._machine_cpu(),
            worker=None if worker_pid is None else self._process(worker_pid),
        )

    def _machine_cpu(self) -> float | None:
        with suppress(psutil.Error, OSError):
            percent = psutil.cpu_percent()
            started, self._started = self._started, True
            return percent if started else None
        return None

    def _process(self, pid: int) -> ProcessSample | None:
        try:
            process, cpu = self._processes.get(pid), None
            if process is None:
                process = self._processes[pid] = psutil.Process(pid)
                process.cpu_percent()
            else:
                cpu = process.cpu_percent()
            rss = process.memory_info().rss or None
        except (psutil.Error, OSError):
            self._processes.pop(pid, None)
            return None
        anonymous, file = resident_parts(pid)
        return ProcessSample(pid=pid, cpu_percent=cpu, rss=rss, rss_anonymous=anonymous, rss_file=file)


def _machine_memory() -> tuple[int, int] | tuple[None, None]:
    with suppress(psutil.Error, OSError):
        memory = psutil.virtual_memory()
        return memory.total, memory.total - memory.available
    return None, None


def resident_parts(pid: int, proc: Path = Path("/proc")) -> tuple[int | None, int | None]:
    """(RssAnon, RssFile) in bytes: memory the process wrote, and file pages such as mapped weights. None off Linux."""
    parts: dict[str, int] = {}
    with suppress(OSError):
        for line in (proc / str(pid) / "status").read_text().splitlines():
            if line.startswith("Rss"):
                name, amount = line.split(":")
                parts[name] = int(amount.split()[0]) * 1024
    return parts.get("RssAnon"), parts.get("RssFile")
