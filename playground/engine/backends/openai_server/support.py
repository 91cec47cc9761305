"""The toggles of a server: none can be changed, and some are reported by it."""

from __future__ import annotations

from playground.engine.backends.openai_server.server import Server
from playground.protocol.capabilities import ToggleSupport, ValueSupport
from playground.protocol.effective import NOT_REPORTED
from playground.protocol.option_text import BOOLEANS
from playground.protocol.options import DEFAULTS, TOGGLES, EngineOptions, as_text

CLOCK = "the client's clock, network included"


def why_not(name: str, server: Server) -> str:
    """Why a toggle cannot be changed from here."""
    flag = server.flags.get(name)
    return "a server keeps what it was started with" + (f"; {server.name}'s flag is {flag}" if flag else "")


def report(server: Server) -> list[ToggleSupport]:
    """Every toggle, with every value unavailable."""
    defaults = as_text(DEFAULTS)
    return [
        ToggleSupport(
            name=toggle.name,
            cost="reload",
            values=[
                ValueSupport(value=value, possible=False, reason=why_not(toggle.name, server))
                for value in toggle.values or (defaults[toggle.name],)
            ],
        )
        for toggle in TOGGLES.values()
    ]


def effective(server: Server, cache: dict[str, str]) -> dict[str, str]:
    """The toggles as the server reports them, a dash where it does not, and whose clock the times are on."""
    found = dict.fromkeys(TOGGLES, NOT_REPORTED)
    if server.cache_info:
        for name, label in server.cache_info.toggles.items():
            if label in cache:
                found[name] = _spelled(name, cache[label])
    return found | {"server": server.name, "clock": CLOCK}


def reasons(server: Server, reported: dict[str, str], options: EngineOptions) -> dict[str, str]:
    """Why a toggle that the server reports differs from the option here."""
    here = as_text(options)
    return {
        name: why_not(name, server)
        for name in TOGGLES
        if reported[name] not in (NOT_REPORTED, here[name]) and here[name] != "auto"
    }


def _spelled(name: str, value: str) -> str:
    value = BOOLEANS.get(value.lower(), value)
    return "model" if name == "kv_cache" and value == "auto" else value
