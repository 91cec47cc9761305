"""The panels of the Inside screen."""
