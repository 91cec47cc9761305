"""The report of a comparison: what of either side is not what was requested."""

from __future__ import annotations

from playground.bench.compare.comparison import ComparisonPlan
from playground.bench.compare.report import comparison_report
from playground.bench.compare.runs import Comparison
from playground.bench.compare.side_spec import SideSpec
from playground.protocol.commands import LoadModel
from playground.protocol.options import DEFAULTS, as_text, with_changes
from playground.session.fold import Fold


def test_each_side_says_what_is_not_as_requested():
    """The worker's last state is B's, and says nothing of A."""
    a, b = (with_changes(DEFAULTS, {"attention": name}) for name in ("sdpa-flash", "eager"))
    fold, found = Fold(options=b, effective=as_text(b)), Comparison()
    found.effective = {"A": as_text(a) | {"attention": "sdpa-math"}, "B": as_text(b)}
    found.reasons = {"A": {"attention": "its mask"}, "B": {}}
    sides = tuple(SideSpec("transformers", LoadModel(model="m", options=options)) for options in (a, b))
    assert comparison_report(found, sides, ComparisonPlan("p"), fold).trust.differs == {"attention of A": "its mask"}
    fold.effective, found.effective["A"] = as_text(a), as_text(a)
    assert comparison_report(found, sides, ComparisonPlan("p"), fold).trust.differs == {}
