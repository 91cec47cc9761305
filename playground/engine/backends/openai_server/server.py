"""Kinds of servers: what each supports beyond OpenAI's API and how it names its metrics. One TOML file each."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent / "servers"


class Metric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of a Prometheus page: the first of `names` that exists, divided by `per` if it is a ratio of counters.
    Several series of one name (ranks, engines) are added; with `largest` the largest is taken instead, as for a share.
    """

    names: list[str]
    per: list[str] = []
    largest: bool = False


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The metrics of a kind of server; shares are 0 to 1."""

    running: Metric | None = None
    waiting: Metric | None = None
    kv_usage: Metric | None = None
    prefix_hits: Metric | None = None
    acceptance: Metric | None = None


class CacheInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A series whose labels describe the KV cache: its number of blocks, and toggles that the server was started
    with."""

    name: str
    blocks: str
    toggles: dict[str, str] = {}


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind. `owned_by`: what its list of models says; `sampling` maps our names to its own, beyond OpenAI's; `off`:
    its values for "off" where they differ from ours; `ask` goes into every request; `flags`: its command-line flag for
    each toggle; `parts`: labels that break down a metric whose total is there too."""

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
        """Names of the series that are read from its page."""
        metrics = [getattr(self.metrics, name) for name in self.metrics.__struct_fields__]
        names = [name for metric in metrics if metric for name in (*metric.names, *metric.per)]
        return (*names, self.cache_info.name) if self.cache_info else tuple(names)


UNKNOWN = Server(name="this server")


@cache
def servers() -> tuple[Server, ...]:
    """All kinds, one per file."""
    files = sorted(FOLDER.glob("*.toml"))
    return tuple(msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Server) for file in files)


def server_of(owned_by: str) -> Server:
    """The kind by the owner that its models name; an unknown one gets only OpenAI's parameters."""
    return next((server for server in servers() if owned_by in server.owned_by), UNKNOWN)
