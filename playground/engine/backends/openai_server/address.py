"""The address of a server, as a user gives it, and the pages under it."""

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
        """Base of the pages beside the API, such as `/metrics` and `/tokenize`."""
        return self.api.removesuffix("/v1")

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this machine, so that no proxy is used."""
        host = urlsplit(self.api).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False


def read_address(url: str) -> Address:
    """Check a URL; raises `EngineError`. It must hold no key, since addresses are recorded."""
    if not url:
        raise EngineError("the openai engine needs a server", EXAMPLE)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its message and the address itself may hold a key
        raise EngineError("the address of the server cannot be read", EXAMPLE) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise EngineError("an address with a key or a query in it would stand in recordings", "use OPENAI_API_KEY")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise EngineError(f"{url!r} is no address of a server", EXAMPLE)
    return Address(url.rstrip("/"))
