"""Any server that speaks OpenAI's HTTP API: requests go out, tokens come in, and what it tells of itself is read."""
