"""How a tokenizer cuts text: what a token is worth in words, bytes and characters."""
