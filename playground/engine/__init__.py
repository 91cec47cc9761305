"""The engine: schedule, run, sample, emit. Runs in a worker and knows nothing of any screen."""
