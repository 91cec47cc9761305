"""Composes a frame from the changed widgets only; Textual renders every widget in their bounding box."""

from __future__ import annotations

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.widget import Widget


class FrameCompositor(Compositor):
    """Skips unchanged and hidden widgets in a partial frame, which while text streams are half of its cost."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: list[Region] | None = None

    def render_partial_update(self) -> ChopsUpdate | None:
        """What changed since the last frame."""
        _ = self.cuts  # where all widgets begin and end, not only those that changed
        self._changed = list(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changed = None

    @property
    def visible_widgets(self) -> dict[Widget, tuple[Region, Region]]:
        """Region and clip by widget, from front to back; in a partial frame only of the widgets visible in it."""
        visible = super().visible_widgets
        if self._changed is None:
            return visible
        seen: set[Widget] = set()
        for changed in self._changed:
            for widget, (region, clip) in visible.items():
                if region.overlaps(changed):
                    seen.add(widget)
                    if region.intersection(clip).contains_region(changed):
                        break  # it hides what lies behind
        return {widget: place for widget, place in visible.items() if widget in seen}
