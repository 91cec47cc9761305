"""Speech without a screen: what is asked of the speech worker, and what is known of it."""
