"""Our own loop over any `AutoModelForCausalLM`, so that every toggle acts on a running batch."""
