"""Screen 4 without a screen: suites that run one after the other, and what they came to."""
