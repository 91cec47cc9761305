"""The memory limit of a container: the account of cgroup v2."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def container_memory(
    membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> tuple[int, int] | None:
    """(limit, used) in bytes of the tightest limit on this process; None without a limit.

    `used` leaves out inactive file pages, which the kernel drops before it kills a process.
    """
    own = _own_group(membership, root)
    accounts = [account for group in _upwards(own, root) if (account := _account(group))] if own else []
    return min(accounts, default=None)


def _own_group(membership: Path, root: Path) -> Path | None:
    with suppress(OSError):
        for line in membership.read_text().splitlines():
            if line.startswith("0::"):
                return root / line.removeprefix("0::").lstrip("/")
    return None


def _upwards(group: Path, root: Path) -> list[Path]:
    """The group and all above it: a limit on any of them applies."""
    return [path for path in (group, *group.parents) if path.is_relative_to(root)]


def _account(group: Path) -> tuple[int, int] | None:
    with suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text())  # "max", not a number, means no limit
        current = int((group / "memory.current").read_text())
        return limit, max(0, current - _inactive_file(group))
    return None


def _inactive_file(group: Path) -> int:
    for line in (group / "memory.stat").read_text().splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0
