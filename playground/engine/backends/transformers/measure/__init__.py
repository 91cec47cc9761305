"""Measurements: attention calls, outlier columns, and the device's peak rates."""
