"""The KV cache in blocks: full or quantized, where it lies, how it moves, how much of it there is."""
