"""A load like that of a server: requests that arrive at a rate or keep users busy, and how long they waited."""
