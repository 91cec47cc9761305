"""Kinds of servers: what each takes beside OpenAI's API and how it names its metrics. One TOML file each."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent / "servers"


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of a Prometheus page: the first of `names` that is there, over `per` where it is a ratio of counters.
    Several series of one name (ranks, engines) are added; `largest` takes the largest instead, as a share needs."""

    names: list[str]
    per: list[str] = []
    largest: bool = False


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a server tells how it does; shares are 0 to 1."""

    running: Metric | None = None
    waiting: Metric | None = None
    kv_usage: Metric | None = None
    prefix_hits: Metric | None = None
    acceptance: Metric | None = None


class CacheInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A series whose labels tell of the KV cache: how many blocks it has, and toggles as the server was started."""

    name: str
    blocks: str
    toggles: dict[str, str] = {}


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind. `owned_by` is what its list of models says; `sampling` maps our names to those that it takes beside
    OpenAI's, `off` holds what it wants for "off" where that is not ours; `ask` goes into every request; `parts` are
    labels that break down a metric whose whole is there too."""

    name: str
    owned_by: list[str] = []
    metrics_path: str = "/metrics"
    tokenize_path: str = ""
    sampling: dict[str, str] = {}
    off: dict[str, int] = {}
    ask: dict[str, bool] = {}
    flags: dict[str, str] = {}
    parts: list[str] = []
    metrics: Metrics = Metrics()
    cache_info: CacheInfo | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its page that anything is read from."""
        metrics = [getattr(self.metrics, name) for name in self.metrics.__struct_fields__]
        names = [name for metric in metrics if metric for name in (*metric.names, *metric.per)]
        return (*names, self.cache_info.name) if self.cache_info else tuple(names)


UNKNOWN = Server(name="this server")


@cache
def servers() -> tuple[Server, ...]:
    """All kinds that there are files of."""
    files = sorted(FOLDER.glob("*.toml"))
    return tuple(msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Server) for file in files)


def server_of(owned_by: str) -> Server:
    """The kind by what its models say of their owner; one that is not known takes OpenAI's parameters alone."""
    return next((server for server in servers() if owned_by in server.owned_by), UNKNOWN)
