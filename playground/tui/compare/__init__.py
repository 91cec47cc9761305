"""Comparisons for the Compare screen, without Textual: their profile and driver."""
