"""`--at STEP:TOGGLE=VALUE` or `--at STEP:rebuild`: a switch before an engine step."""

from __future__ import annotations

from argparse import ArgumentTypeError

from playground.protocol.commands import SetOptions
from playground.protocol.option_text import OptionError, parse_assignment
from playground.protocol.options import format_value

REBUILD = "rebuild"


def parse_switch(text: str) -> SetOptions:
    """Parse one switch."""
    step, colon, assignment = text.partition(":")
    if step.isdecimal() and assignment == REBUILD:
        return SetOptions(changes={}, at_step=int(step), rebuild=True)
    if not colon or not step.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not STEP:TOGGLE=VALUE; for example 8:kv_cache=int8")
    try:
        name, value = parse_assignment(assignment)
    except OptionError as error:
        raise ArgumentTypeError(str(error)) from None
    return SetOptions(changes={name: value}, at_step=int(step))


def spell_switch(switch: SetOptions) -> str:
    """A switch as it is typed."""
    changes = REBUILD if switch.rebuild else ""
    changes += ",".join(f"{name}={format_value(value)}" for name, value in switch.changes.items())
    return f"{switch.at_step}:{changes}"
