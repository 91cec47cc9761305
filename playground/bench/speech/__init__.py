"""Measures speech: word errors over a manifest, and spoken questions answered by a language model."""
