"""The Playground screen."""
