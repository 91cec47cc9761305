"""Toggles as text."""

from __future__ import annotations

import pytest

from playground.protocol.effective import differs
from playground.protocol.option_text import OptionError, parse_assignment, parse_value
from playground.protocol.options import (
    DEFAULTS,
    TOGGLES,
    EngineOptions,
    as_text,
    changed_names,
    format_value,
    with_changes,
)

LISTED = [(name, value) for name, toggle in TOGGLES.items() for value in toggle.values]
OPEN = {
    "int8_threshold": ("0", "6", "10", "5.5"),
    "kv_blocks": ("1", "4096"),
    "max_batch": ("1", "64"),
    "token_budget": ("1", "8192"),
    "speculation": ("lookup:1", "lookup:8"),
    "adapter": ("some/folder", "/abs: odd=name"),
    "device": ("cuda", "cuda:0", "cuda:13"),
}
WRONG = {
    "weights": "int4",
    "int8_threshold": "10.5",
    "attention": "flash",
    "kv_cache": "INT8",
    "kv_blocks": "0",
    "block_size": "24",
    "batching": "dynamic",
    "max_batch": "0",
    "token_budget": "1.5",
    "prefix_cache": "yes",
    "speculation": "lookup:0",
    "compile": "True",
    "adapter": "",
    "device": "gpu",
    "dtype": "float64",
}


def test_there_is_a_toggle_for_every_field_and_no_other():
    assert set(TOGGLES) == set(EngineOptions.__struct_fields__)
    assert all(name == toggle.name for name, toggle in TOGGLES.items())


def test_every_toggle_is_tried_with_a_wrong_value():
    assert set(WRONG) == set(TOGGLES)


@pytest.mark.parametrize(("name", "text"), [*LISTED, *((name, text) for name in OPEN for text in OPEN[name])])
def test_every_value_reads_as_its_field_and_is_spelled_back_the_same(name, text):
    value = parse_value(name, text)
    assert type(value) is type(getattr(DEFAULTS, name)) and format_value(value) == text
    assert parse_assignment(f" {name} = {text} ") == (name, value)
    assert as_text(with_changes(DEFAULTS, {name: value}))[name] == text


@pytest.mark.parametrize(("name", "text"), WRONG.items())
def test_a_wrong_value_is_refused_with_what_is_taken(name, text):
    with pytest.raises(OptionError) as refused:
        parse_value(name, text)
    message, toggle = str(refused.value), TOGGLES[name]
    assert message.startswith(f"{name} cannot be {text!r}; it takes ") and "\n" not in message
    for value in toggle.values if not toggle.form else ():
        assert value in message
    if toggle.form:
        assert toggle.form in message


@pytest.mark.parametrize("name", ["prefix_cache", "compile"])
def test_a_toggle_that_is_on_or_off_is_read_as_toml_spells_it(name):
    assert parse_value(name, "true") is True and parse_value(name, "false") is False
    with pytest.raises(OptionError, match="it takes continuous, static"):
        parse_value("batching", "true")


@pytest.mark.parametrize("name", TOGGLES)
@pytest.mark.parametrize("text", ["", "nonsense!", "nan", "inf", "-1", "1e9", "²"])
def test_nonsense_is_an_option_error_or_a_path(name, text):
    try:
        value = parse_value(name, text)
    except OptionError:
        return
    assert name == "adapter" and value == text


def test_an_unknown_toggle_is_refused_with_those_that_there_are():
    with pytest.raises(OptionError) as refused:
        parse_value("kv", "int8")
    assert all(name in str(refused.value) for name in TOGGLES)


@pytest.mark.parametrize("text", ["kv_cache", "", "kv_cache:int8"])
def test_what_is_no_assignment_is_refused_with_an_example(text):
    with pytest.raises(OptionError, match="kv_cache=int8"):
        parse_assignment(text)


def test_the_defaults_are_values_that_can_be_typed():
    for name, text in as_text(DEFAULTS).items():
        assert parse_value(name, text) == getattr(DEFAULTS, name)


def test_differences_are_named_in_field_order():
    after = with_changes(DEFAULTS, {"token_budget": 9, "weights": "int8"})
    assert changed_names(DEFAULTS, after) == ["weights", "token_budget"] and changed_names(after, after) == []


@pytest.mark.parametrize(
    ("name", "asked", "effective", "other"),
    [
        ("attention", "eager", "sdpa-flash", True),
        ("attention", "auto", "sdpa-flash", False),
        ("attention", "sdpa-flash", "flash-varlen + sdpa-flash", False),
        ("attention", "sdpa-math", "–", False),
        ("kv_cache", "model", "model (from int2)", True),
        ("compile", "on", "on (+1 graph)", False),
        ("compile", "on", "off", True),
        ("adapter", "some/where/fixes", "fixes", False),
        ("adapter", "some/where/fixes", "off", True),
        ("device", "cuda", "cuda:0", False),
        ("device", "cuda:1", "cuda", False),
        ("device", "cuda:1", "cuda:0", True),
        ("device", "cuda", "cpu", True),
    ],
)
def test_what_is_not_as_asked(name: str, asked: str, effective: str, other: bool):
    assert differs(name, asked, effective) is other


@pytest.mark.parametrize("name", ["kv_blocks", "max_batch", "speculation"])
def test_a_number_of_thousands_of_digits_is_refused_as_any_other(name):
    with pytest.raises(OptionError, match=f"{name} cannot be"):
        parse_value(name, "lookup:" * (name == "speculation") + "9" * 5000)
