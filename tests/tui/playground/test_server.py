"""The Playground screen on a server: not there yet, connected, gone in the middle of an answer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from playground.protocol.commands import GenerationRequest, Submit
from playground.protocol.events import RequestFinished, TokensGenerated
from playground.protocol.metrics import RequestMetrics
from playground.session.history.run import Run
from playground.tui.app import PlaygroundApp
from playground.tui.inside.weights_trial import UNTOLD
from playground.tui.session import NotNow
from playground.tui.setups import recall_run
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.prompt import Prompt
from tests.engine.openai_server.loopback import DONE, MODELS, Loopback, loopback, text, usage
from tests.tui.cells import shown
from tests.tui.conftest import Wait


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server that lists no model yet."""
    with loopback() as server:
        server.models = None
        yield server


async def test_a_server_that_comes_up_later_and_dies_amid_an_answer(server: Loopback, until: Wait) -> None:
    server.answer = lambda handler: handler.json({"detail": "starting"}, 500)
    app = PlaygroundApp(engine="openai", model="", url=server.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: f"{server.host} answered 500: starting; look at the server's own log" in shown(app))
        assert "No server is connected." in shown(app)
        server.models = MODELS
        server.answer = lambda handler: handler.events([text("def"), text(" add")], whole=False)
        await pilot.press("enter")
        await until(pilot, lambda: app.bridge.state.facts)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "the server has its own; to take another of its models: playground" in shown(app))
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: f"! {server.host} ended the connection before the answer was whole" in shown(app))
        assert "def add" in shown(app)
        assert app.screen.query_one(Prompt).text == "hi"  # it failed, and comes back


async def test_a_prompt_typed_while_no_server_is_there_goes_out_when_it_is(server: Loopback, until: Wait) -> None:
    server.answer = lambda handler: handler.json({"detail": "starting"}, 500)
    app = PlaygroundApp(engine="openai", model="", url=server.url)
    async with app.run_test(size=(120, 40)) as pilot:
        prompt, state = app.screen.query_one(Prompt), app.bridge.state
        await until(pilot, lambda: state.model.load_failure)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: state.model.load_failure and not state.model.loading and prompt.text == "hi")
        assert f"{server.host} answered 500: starting" in shown(app)
        server.models = MODELS
        server.answer = lambda handler: handler.events([text("hello", "stop")])
        await pilot.press("enter")
        await until(pilot, lambda: any(request.finished for request in state.requests.values()))
        assert prompt.text == "" and server.bodies("/v1/chat/completions")[0]["messages"][0]["content"] == "hi"


async def test_other_engines_and_kept_runs_name_a_servers_model(server: Loopback, until: Wait) -> None:
    server.models = {"data": [{"id": "org/one"}, {"id": "org/two"}]}
    app = PlaygroundApp(engine="openai", model="org/two", url=server.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        load = app.session.current_load()
        assert (load.model, load.url) == ("org/two", server.url)
        run = Run(at=0.0, kind="chat", model="org/one", model_path=server.url, engine="openai", prompt="hi")
        await recall_run(app.session, run)
        await until(pilot, lambda: not app.bridge.state.model.loading)
        assert app.bridge.state.facts and app.bridge.state.facts.name == "org/one"
        with pytest.raises(NotNow, match="this run was on the server http://elsewhere/v1, and this session is on"):
            await recall_run(app.session, msgspec.structs.replace(run, model_path="http://elsewhere/v1"))


async def test_what_a_restart_ends_says_so_under_its_answer(server: Loopback, until: Wait) -> None:
    app = PlaygroundApp(engine="openai", model="", url=server.url)
    said = "ended: vLLM starts anew for a toggle (in_flight is set to end)"
    async with app.run_test(size=(120, 40)) as pilot:
        app.bridge.mirror(Submit(requests=[GenerationRequest(request_id="r1", prompt="hello")]))
        app.bridge.mirror(TokensGenerated(request_id="r1", token_ids=[1], times=[1.0], text="word"))
        numbers = RequestMetrics(prompt_tokens=1, output_tokens=1)
        app.bridge.mirror(RequestFinished(request_id="r1", reason="abort", metrics=numbers, message=said))
        await until(pilot, lambda: "in_flight is set to end" in " ".join(shown(app).split()))


async def test_what_a_server_does_not_tell_is_unknown_on_every_screen(server: Loopback, until: Wait) -> None:
    server.models = MODELS
    server.answer = lambda handler: handler.events([text("hello", "stop"), usage(7, 1), DONE])
    app = PlaygroundApp(engine="openai", model="", url=server.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.bridge.state.facts)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: "cached     –" in shown(app))
        assert "0 MiB" not in shown(app) and "GPU: a server does not show its memory" in shown(app)
        await pilot.press("f6")
        await until(pilot, lambda: UNTOLD in shown(app))
        await pilot.press("w")
        assert UNTOLD in app.screen.query_one(Notice).render().plain and not app.bridge.state.trial_running
        await pilot.press("f5")
        await until(pilot, lambda: "A suite asks the same" in shown(app) and "two copies" not in shown(app))
        await pilot.press("f3")
        await until(pilot, lambda: "batching static: a server keeps what it was started with" in shown(app))
