"""The host, read for real on this process, a child, and hand-written /proc and cgroup trees."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from playground.protocol.machine import HostSample
from playground.telemetry.cgroup import container_memory
from playground.telemetry.host import Host, resident_parts

MIB = 1 << 20


def test_the_first_reading_has_no_cpu_percent_and_the_next_one_has() -> None:
    host = Host()
    first = host.sample(os.getpid())
    busy_until = time.process_time() + 0.15
    while time.process_time() < busy_until:
        pass
    second = host.sample(os.getpid())
    assert first.worker and second.worker
    assert (first.cpu_percent, first.worker.cpu_percent) == (None, None)
    assert second.cpu_percent is not None
    assert second.worker.cpu_percent is not None
    assert 0 <= second.cpu_percent <= 100
    assert second.worker.cpu_percent > 1


def test_the_machine_and_this_process() -> None:
    sample = Host().sample()
    assert sample.worker is None
    sample = Host().sample(os.getpid())
    assert sample.memory_total == psutil.virtual_memory().total
    assert sample.memory_used is not None
    assert 0 < sample.memory_used < sample.memory_total
    assert sample.worker
    assert sample.worker.pid == os.getpid()
    assert sample.worker.rss == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells anonymous and file pages apart")
def test_new_memory_counts_as_anonymous_and_a_mapped_file_as_file(tmp_path: Path) -> None:
    import mmap

    data = tmp_path / "weights"
    data.write_bytes(b"\1" * (32 * MIB))
    before = resident_parts(os.getpid())
    # Straight from the system: an allocator may have room left over from others.
    anonymous = mmap.mmap(-1, 48 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with data.open("rb") as file, anonymous, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        sum(mapped[offset] for offset in range(0, 32 * MIB, 4096))
        for offset in range(0, 48 * MIB, 4096):
            anonymous[offset] = 1
        after = resident_parts(os.getpid())
    assert None not in (*before, *after)
    assert after[0] - before[0] == pytest.approx(48 * MIB, abs=8 * MIB)
    assert after[1] - before[1] == pytest.approx(32 * MIB, abs=8 * MIB)


def test_where_proc_does_not_tell_the_parts_are_none(tmp_path: Path) -> None:
    assert resident_parts(1, tmp_path) == (None, None)
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "status").write_text("Name:\tinit\nVmRSS:\t 2268 kB\nRssFile:\t 2120 kB\n")
    assert resident_parts(1, tmp_path) == (None, 2120 * 1024)


def test_a_worker_is_followed_until_it_ends() -> None:
    host = Host()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        alive = host.sample(worker.pid).worker
        worker.communicate(b"\n")
    assert alive
    assert alive.pid == worker.pid
    assert alive.rss
    assert host.sample(worker.pid).worker is None


def test_a_process_that_could_not_be_read_is_measured_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    host.sample(os.getpid())
    with monkeypatch.context() as patch:
        patch.setattr(psutil.Process, "memory_info", lambda process: (_ for _ in ()).throw(psutil.AccessDenied()))
        assert host.sample(os.getpid()).worker is None
    again = host.sample(os.getpid()).worker
    assert again
    assert again.cpu_percent is None


def cgroup(root: Path, name: str, limit: str, current: int, inactive: int) -> None:
    group = root / name
    group.mkdir(parents=True, exist_ok=True)
    (group / "memory.max").write_text(f"{limit}\n")
    (group / "memory.current").write_text(f"{current}\n")
    (group / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\nactive_file 7\n")


def test_the_tightest_limit_above_a_process_counts_without_dropped_pages(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("3:cpu:/old\n0::/pod/app\n")
    root = tmp_path / "fs"
    cgroup(root, "pod/app", "max", 300, 10)
    assert container_memory(membership, root) is None
    cgroup(root, "pod", "1000", 600, 200)
    cgroup(root, ".", "4000", 3000, 0)
    assert container_memory(membership, root) == (1000, 400)


def test_without_cgroups_there_is_no_limit(tmp_path: Path) -> None:
    assert container_memory(tmp_path / "none", tmp_path) is None


def test_a_container_counts_only_where_it_allows_less_than_the_machine_has() -> None:
    machine = {"memory_total": 100, "memory_used": 40}
    inside = HostSample(**machine, container_limit=50, container_used=20)
    outside = HostSample(**machine, container_limit=500, container_used=20)
    assert (inside.contained, inside.total, inside.used) == (True, 50, 20)
    assert (outside.contained, outside.total, outside.used) == (False, 100, 40)
