"""Which columns the table of runs has room for."""

from __future__ import annotations

import pytest

from playground.session.history.run import Run
from playground.tui.history.columns import shown


@pytest.mark.parametrize(("width", "named"), [(78, False), (120, True), (200, True)])
def test_the_engine_is_named_where_there_is_room(width: int, named: bool) -> None:
    columns = shown(width)
    run = Run(id=1, at=0.0, kind="chat", model="m", engine="transformers")
    assert ("transformers" in [column.text(run) for column, _ in columns]) == named
    assert sum(columns_width + 1 for _, columns_width in columns) - 1 <= width
