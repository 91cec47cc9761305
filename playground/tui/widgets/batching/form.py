"""The form for the fields of a load."""

from __future__ import annotations

from typing import Any

from playground.tui.batching.fields import FIELDS
from playground.tui.state.load_profile import LoadProfile
from playground.tui.widgets.field_form import FieldForm


class LoadForm(FieldForm):
    """Holds the profile of a load."""

    profile: LoadProfile

    def __init__(self, **widget: Any) -> None:
        super().__init__("Load", "[ Run both ]", FIELDS, LoadProfile(), **widget)
