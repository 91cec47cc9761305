"""Benchmarks: each suite asks a worker, through the protocol, for answers, scores and times, and judges them."""
