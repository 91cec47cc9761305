"""Where a server is: the address as a user gives it, and the pages under it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from playground.engine.backends.base import EngineError

EXAMPLE = "--url http://host:port/v1"


@dataclass(frozen=True)
class Address:
    """`api` is the base of the API, without a slash at its end; `root` is the same without `/v1`."""

    api: str

    @property
    def root(self) -> str:
        """Where `/metrics` and `/tokenize` stand."""
        return self.api.removesuffix("/v1")

    @property
    def is_local(self) -> bool:
        """This machine itself: no proxy stands between."""
        host = urlsplit(self.api).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False


def read_address(url: str) -> Address:
    """Check what was given; raises `EngineError`. A key does not belong here: the address stands in recordings."""
    if not url:
        raise EngineError("the openai engine needs a server", EXAMPLE)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EngineError(f"{url!r} is no address: {error}", EXAMPLE) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EngineError("an address with a key or a query in it would stand in recordings", "use OPENAI_API_KEY")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise EngineError(f"{url!r} is no address of a server", EXAMPLE)
    return Address(url.rstrip("/"))
