"""vLLM inside the worker: its own engine, stepped in our loop, its scheduler's rows read directly."""
