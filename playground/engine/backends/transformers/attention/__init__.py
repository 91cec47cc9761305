"""Attention: which kernel runs, over which cache, and how that is observed."""
