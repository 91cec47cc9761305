"""What the Inside screen shows, without Textual: outliers, attention, KV and weights, measured and drawn."""
