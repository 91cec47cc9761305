"""Toggles: their rows and possible values, and texts about a switch."""
