"""The effect of an option set on a model's answers, apart from speed: perplexity, KL, agreement, recall."""
