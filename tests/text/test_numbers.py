"""How numbers are written."""

from __future__ import annotations

import pytest

from playground.text import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.00012345, "1.23e-04"),
        (0.0123, "0.0123"),
        (2.844, "2.84"),
        (9.996, "10.0"),
        (99.96, "100"),
        (352.1, "352"),
        (999.6, "1\u2009000"),
        (1204.4, "1\u2009204"),
        (1234567, "1\u2009234\u2009567"),
        (-2.844, "-2.84"),
    ],
)
def test_three_significant_digits(value: float | None, text: str) -> None:
    assert numbers.significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0184, "18.4 ms"), (0.00284, "2.84 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s"), (75.2, "75.2 s")],
)
def test_durations_change_unit_at_one_second(value: float | None, text: str) -> None:
    assert numbers.seconds(value) == text


def test_rates_can_be_copied_into_a_calculator() -> None:
    assert [numbers.rate(value, "tok/s") for value in (None, 8.234, 99.96, 352.14, 1204.55)] == [
        "– tok/s",
        "8.23 tok/s",
        "100.0 tok/s",
        "352.1 tok/s",
        "1204.5 tok/s",
    ]


def test_per_cent_does_not_round_to_all_or_nothing() -> None:
    shares = [None, 0.0, 0.002, 0.934, 0.997, 1.0]
    assert [numbers.percent(share) for share in shares] == ["– %", "0 %", "<1 %", "93 %", "99 %", "100 %"]


def test_a_small_kl_keeps_two_digits() -> None:
    assert [numbers.format_kl(value) for value in (None, 0.0, 0.0213, 0.00002)] == ["–", "0.000", "0.021", "2.0e-05"]
