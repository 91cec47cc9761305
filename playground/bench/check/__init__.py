"""`playground check`: is this checkpoint complete, and does it behave? First without loading it, then with the
engine."""
