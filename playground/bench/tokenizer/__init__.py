"""Measures how a tokenizer cuts text: words, bytes and characters per token."""
