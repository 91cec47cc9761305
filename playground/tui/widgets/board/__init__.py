"""The batching board."""
