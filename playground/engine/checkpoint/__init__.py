"""A checkpoint on its disk or in the hub: files, config, tokenizer. No weights are read."""
