"""Bytes, alone and beside each other."""

from __future__ import annotations

import pytest

from playground.text.sizes import format_bytes, format_memory, format_share

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def test_bytes_in_the_unit_that_suits():
    amounts = (None, 812, 2048, 7.24 * MIB, 999.7 * MIB, 1500 * GIB)
    assert " ".join(map(format_bytes, amounts)) == "– 812 B 2.00 KiB 7.24 MiB 0.976 GiB 1.46 TiB"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "–"),
        (0, "0 MiB"),
        (430 * KIB, "0.420 MiB"),
        (int(12.2 * MIB), "12.2 MiB"),
        (12 * MIB, "12.0 MiB"),
        (688 * MIB, "688 MiB"),
        (999 * MIB, "999 MiB"),
        (int(999.6 * MIB), "0.976 GiB"),
        (1000 * MIB, "0.977 GiB"),
        (int(1.42 * GIB), "1.42 GiB"),
        (int(9.999 * GIB), "10.0 GiB"),
        (80 * GIB, "80.0 GiB"),
        (2048 * GIB, "2.00 TiB"),
    ],
)
def test_three_significant_digits(count: int | None, text: str) -> None:
    assert format_memory(count) == text


def test_a_share_has_the_unit_of_the_whole() -> None:
    around = [int(1.06 * GIB), 991 * MIB, 1000 * MIB, 13 * GIB, 0]
    assert [format_share(each, int(23.5 * GIB)) for each in around] == [
        f"{number} of 23.5 GiB" for number in ("1.06", "0.97", "0.98", "13.0", "0.00")
    ]
    assert format_share(3 * MIB, 512 * MIB) == "3.00 of 512 MiB"
    assert format_share(None, GIB) == "– of 1.00 GiB" and format_share(MIB, None) == "1.00 MiB of –"
