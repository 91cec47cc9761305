"""The messages of a session, recorded and played back: the screen is a fold over events, so they are all it needs."""
