"""The KV cache in blocks: full or quantized, where it is stored, how it moves, how large it is."""
