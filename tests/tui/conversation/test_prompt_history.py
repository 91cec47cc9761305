"""Nothing that was typed is lost; large pastes stay out of the editor."""

from __future__ import annotations

from playground.tui.conversation.prompt_history import LARGEST_IN_EDITOR, HeldPastes, PromptHistory


def test_the_draft_waits_at_the_end() -> None:
    history = PromptHistory()
    history.propose(["one"])
    history.add("two")
    assert history.step(-1, "draft") == "two"
    assert history.step(-1, "two") == "one"
    assert history.step(-1, "one") is None
    assert history.step(1, "one") == "two"
    assert history.step(1, "two") == "draft"
    assert history.step(1, "draft") is None


def test_an_edit_of_what_was_recalled_waits_there_until_something_is_sent() -> None:
    history = PromptHistory()
    history.propose(["one", "two"])
    assert history.step(-1, "draft") == "two"
    assert history.step(-1, "two, and more") == "one"
    assert history.step(1, "one, other") == "two, and more"
    assert history.step(1, "two, and more") == "draft"
    history.add("three")
    assert [history.step(-1, "") for _ in range(3)] == ["three", "two", "one"]


def test_prompts_of_a_preset_come_first_and_what_is_typed_stays() -> None:
    history = PromptHistory()
    history.add("one")
    assert history.step(-1, "draft") == "one"
    history.propose(["two", "three"])
    assert [history.step(1, text) for text in ("one, edited", "two", "three")] == ["two", "three", "draft"]
    assert [history.step(-1, text) for text in ("draft", "three", "two")] == ["three", "two", "one, edited"]


def test_the_same_prompt_twice_is_one_entry() -> None:
    history = PromptHistory()
    history.add("one")
    history.add("one")
    assert history.step(-1, "") == "one"
    assert history.step(-1, "one") is None


def test_a_large_paste_is_a_mark_until_it_is_sent() -> None:
    pastes = HeldPastes()
    assert pastes.hold("small") == "small"
    first, second = pastes.hold("x" * 1_000_000), pastes.hold("y\n" * LARGEST_IN_EDITOR)
    assert first == "[1.0 MB pasted #1]"
    assert pastes.expand(f"before {first} after") == f"before {'x' * 1_000_000} after"
    assert pastes.expand(second).count("y") == LARGEST_IN_EDITOR
