"""Styles that several panels use."""

MUTED = "$meaning-waiting"  # labels, hints and other secondary text
