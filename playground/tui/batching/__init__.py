"""Screen 2 without a screen: a load, its runs and predictions, and what drives them."""
