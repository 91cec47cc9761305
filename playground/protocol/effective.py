"""Values that an engine reports as effective, against those that were requested."""

from __future__ import annotations

from pathlib import PurePath

# Other names of a requested kernel: ragged batches run FlashAttention's varlen variant.
SAME_KERNEL = {"sdpa-flash": {"sdpa-flash", "flash-varlen"}}
# Joins the names of kernels if several ran.
KERNEL_JOIN = " + "
# Shown for a value that the engine does not report.
NOT_REPORTED = "–"


def ran_as_asked(asked: str, ran: str) -> bool:
    """Whether the attention that ran, kernels joined by `KERNEL_JOIN`, is the requested one."""
    return set(ran.split(KERNEL_JOIN)) <= SAME_KERNEL.get(asked, {asked})


def differs(name: str, asked: str, effective: str) -> bool:
    """Whether the effective value differs from the requested one. `auto` and unreported values never differ."""
    match name:
        case "adapter":  # requested by its folder, reported by its name
            asked = PurePath(asked).name
        case "compile":  # reported with the number of graphs added
            effective = effective.partition(" ")[0]
        case "device" if ":" not in asked or ":" not in effective:  # without a number, any device of that kind will do
            asked, effective = asked.partition(":")[0], effective.partition(":")[0]
    return (
        effective != NOT_REPORTED
        and asked not in (effective, "auto", NOT_REPORTED)
        and not ran_as_asked(asked, effective)
    )
