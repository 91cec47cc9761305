"""What an option set does to a model's answers, apart from their speed: perplexity, KL, agreement, recall."""
