"""The panels of the Batching screen."""
