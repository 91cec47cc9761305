"""What a message must never hold: our key, or a password in an address."""

from __future__ import annotations

import json

import pytest

from playground.engine.backends.base import EngineError
from playground.engine.backends.openai_server.address import read_address
from playground.engine.backends.openai_server.faults import refused

KEY, PASSWORD = "sk-verysecret", "hunter2"
URL = "http://host:1/v1"


def test_a_key_that_a_server_quotes_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}."}}).encode()
    assert refused(401, body, "", URL).message == "host:1 answered 401: Incorrect API key provided: …."


def test_the_password_of_a_redirect_is_left_out() -> None:
    message = refused(302, b"", f"http://user:{PASSWORD}@elsewhere/v1", URL).message
    assert "http://elsewhere/v1" in message and PASSWORD not in message


@pytest.mark.parametrize("url", [f"http://u:{KEY}@host:99999/v1", f"http://[::1/v1?k={KEY}", f"http://u:{KEY}/x@h/v1"])
def test_an_address_that_cannot_be_read_is_not_quoted(url: str) -> None:
    with pytest.raises(EngineError) as refusal:
        read_address(url)
    assert KEY not in refusal.value.line
