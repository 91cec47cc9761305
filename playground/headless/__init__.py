"""The playground without a screen: what `run` and `replay --headless` do, as a fold over the same events."""
