"""`playground check`: is this checkpoint whole, and does it behave? First without loading it, then with the engine."""
