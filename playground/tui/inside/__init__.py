"""Measurements for the Inside screen, without Textual: trials, and plots of outliers, attention, KV and steps."""
