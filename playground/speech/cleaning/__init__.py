"""Cleans a transcript that was written in overlapping windows: text alone, in any language; no audio, no model."""
