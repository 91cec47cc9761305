"""What the UI process sees of the machine: NVML and the host, sampled off its loop. Knows nothing of any engine."""
