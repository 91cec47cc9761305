"""The panels of the Bench screen."""
