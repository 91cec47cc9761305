"""Suites for the Bench screen, without Textual: their driver, pace and Pareto plot."""
