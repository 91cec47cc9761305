"""What happened in a session, kept and played back: the screen is a fold over events, so events are all it takes."""
