"""Faults of the connection to a server as one line of what happened and one of what to do."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.http_exceptions import ContentEncodingError

from playground.engine.backends.base import EngineError
from playground.protocol.fault import LOOK

LONG = 300
KEY = "set OPENAI_API_KEY to a key that this server takes"
LOG = "look at the server's own log"
NO_API = "is --url an OpenAI-compatible server?"
PASSWORD = re.compile(r"//[^/@]*@")
ADVICE = {
    400: "the server's own words say what it does not take",
    401: KEY,
    403: KEY,
    404: "look at the path of --url (it mostly ends in /v1) and at the model's name",
    422: "the server's own words say what it does not take",
    429: "the server limits how much may be asked: wait, or ask for less at once",
}


class Refused(EngineError):
    """The server answered with an HTTP status other than success."""

    def __init__(self, status: int, message: str, advice: str) -> None:
        super().__init__(message, advice)
        self.status = status


class Malformed(Exception):
    """The server sent something that the API does not allow."""


class ServerError(Exception):
    """The server sent an error within a stream; the message is its own."""


def line(text: str) -> str:
    """Foreign text on one line, without control characters and our key, shortened to `LONG` characters."""
    if key := os.environ.get("OPENAI_API_KEY", "").strip():
        text = text.replace(key, "…")
    words = " ".join("".join(each if each.isprintable() else " " for each in text[: 8 * LONG]).split())
    return words if len(words) <= LONG else words[: LONG - 1] + "…"


def refused(status: int, body: bytes, location: str, url: str) -> Refused:
    """The error for an unsuccessful answer, quoting the server if it says something. Redirects are never followed,
    since prompt and key would go to another address."""
    host = urlsplit(url).netloc
    if 300 <= status < 400:
        to = line(PASSWORD.sub("//", location)) or "nowhere"
        return Refused(status, f"{host} redirects to {to}, which is refused", "give --url the address that is meant")
    said = _said(body)
    message = f"{host} answered {status}" + (f": {said}" if said else "")
    advice = LOG if status >= 500 else ADVICE.get(status, "")
    return Refused(status, message, advice)


def as_engine_error(error: Exception, url: str, timeout_s: float) -> EngineError:
    """A fault of the connection as an `EngineError`; one that already is an `EngineError` is returned as it is."""
    host, cause = urlsplit(url).netloc, _root(error)
    if isinstance(error, EngineError):
        return error
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return EngineError(f"{host} did not take a connection in time", "is the address right, and a firewall between?")
    if isinstance(error, TimeoutError):
        advice = "it may be busy; [engines.openai] timeout_s in the settings lets it take longer"
        return EngineError(f"nothing came from {host} for {timeout_s:g} s", advice)
    if isinstance(error, aiohttp.ClientSSLError):
        advice = "does it speak http:// alone? an authority of your own goes into SSL_CERT_FILE"
        return EngineError(f"{host} makes no safe connection: {line(str(error.os_error))}", advice)
    if isinstance(error, aiohttp.ClientConnectorError):
        refused_it = isinstance(cause, ConnectionRefusedError)
        why = "refused the connection" if refused_it else f"is not there: {line(str(error.os_error))}"
        return EngineError(f"{host} {why}", "start the server, or look at --url")
    if isinstance(error, ServerError):
        return EngineError(f"{host} sent an error instead of an answer: {error}", LOG)
    if isinstance(error, Malformed | msgspec.MsgspecError) or isinstance(error.__cause__, ContentEncodingError):
        said = cause.message if isinstance(cause, ContentEncodingError) else str(error)
        return EngineError(f"{host} sent what is no answer: {line(said)}", NO_API)
    if isinstance(error, aiohttp.ClientResponseError):  # its status line or a header is malformed
        return EngineError(f"what answers at {host} speaks no HTTP", NO_API)
    if isinstance(error, aiohttp.InvalidURL | UnicodeError | ValueError):
        return EngineError(f"{line(url)} is no address: {line(str(error))}", "--url http://host:port/v1")
    if isinstance(error, aiohttp.ClientError | ConnectionError):
        return EngineError(f"{host} ended the connection before the answer was whole", LOG)
    return EngineError(f"{host}: {line(str(error)) or type(error).__name__}", LOOK)


def _said(body: bytes) -> str:
    """The message within the JSON of an error, else its text."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = body.decode(errors="replace")
        return "" if text.lstrip().startswith("<") else line(text)  # a page is not for a line
    return message_of(found)


def message_of(found: Any) -> str:
    """The message within a decoded error, on one line; all of it if it has none."""
    for key in ("error", "detail", "message"):
        while isinstance(found, dict) and key in found:
            found = found[key]
    return line(found if isinstance(found, str) else msgspec.json.encode(found).decode())


def _root(error: BaseException) -> BaseException:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
