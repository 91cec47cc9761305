"""The cells of a screen, as text."""

from __future__ import annotations

from playground.tui.app import PlaygroundApp


def shown(app: PlaygroundApp) -> str:
    """The text on the screen, a line per row."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
