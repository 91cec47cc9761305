"""Measurements of parts: attention calls, outlier columns, and what the device can do at its best."""
