"""Plots out of characters."""
