"""Message and advice of a fault, separately and as one line."""

from __future__ import annotations

from playground.protocol.fault import Fault, with_advice


def test_advice_follows_the_message_where_there_is_any() -> None:
    assert with_advice("it broke", "mend it") == "it broke; mend it"
    assert with_advice("it broke", "") == "it broke"


def test_a_fault_is_quoted_without_its_advice() -> None:
    fault = Fault("it broke", "mend it")
    assert (str(fault), fault.line) == ("it broke", "it broke; mend it")
    assert Fault("it broke").line == "it broke"
