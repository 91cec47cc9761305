"""The child process: guards its file descriptors, reads commands, steps a backend, writes coalesced events."""
