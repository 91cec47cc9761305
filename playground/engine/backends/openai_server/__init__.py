"""Any server that speaks OpenAI's HTTP API: requests go out, tokens come in, and its metrics are read."""
