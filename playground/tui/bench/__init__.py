"""What the Bench screen shows, without Textual: suites that run one after the other, and what they came to."""
