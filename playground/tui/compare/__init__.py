"""Screen 3 without a screen: what is compared, how far it is, and what drives it."""
