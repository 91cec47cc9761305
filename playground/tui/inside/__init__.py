"""Screen 5 without a screen: outliers, attention, KV and weights, measured and drawn."""
