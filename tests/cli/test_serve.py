"""`playground serve` where it cannot begin; tests/e2e/test_browser.py has it in a browser."""

from __future__ import annotations

import socket
import sys


def test_a_port_that_is_taken(parsed):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = parsed("serve", "--engine", "scripted", "--port", str(port))
    said = f"playground: cannot listen on port {port}: Address already in use; --port N takes another\n"
    assert (result.code, result.stdout, result.stderr) == (1, "", said)


def test_without_the_library_the_command_that_mends_it_is_named(parsed, monkeypatch):
    monkeypatch.delitem(sys.modules, "playground.headless.serve.server", raising=False)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    result = parsed("serve")
    assert result.code == 1 and len(result.stderr.splitlines()) == 1
    assert "pip install 'textual-serve==1.1.*'" in result.stderr


def test_a_model_that_is_not_there_is_told_before_any_page(parsed):
    result = parsed("serve", "nosuch-model")
    said = "playground: there is no folder nosuch-model; check the spelling, or name a hub id such as owner/model\n"
    assert (result.code, result.stdout, result.stderr) == (1, "", said)
