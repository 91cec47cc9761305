"""The child process: guards its file descriptors, reads commands, steps a backend, writes coalesced events. On Linux a
supervisor above it ends all that it has started."""
