"""Seeded texts written by rules: what tiny-coder learnt from, and what needles are hidden in."""
