"""The machine as the UI process sees it: NVML and the host, sampled off its loop. Knows no engine."""
