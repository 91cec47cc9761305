"""The contract between the UI and its workers: commands go in, events come out, one JSON line each.

Imports nothing of the rest of the package, so that either side can be replaced.
"""
