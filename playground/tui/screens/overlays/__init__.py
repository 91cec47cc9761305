"""Overlays: modal screens over the current one."""
