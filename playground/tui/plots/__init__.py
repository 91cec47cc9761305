"""Plots of characters."""
