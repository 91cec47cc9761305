"""Trains tiny-coder from nothing: `python -m playground.models.make_tiny_coder`."""
