"""A server's day in small: requests that come at a rate or keep a number of users busy, and what they waited for."""
