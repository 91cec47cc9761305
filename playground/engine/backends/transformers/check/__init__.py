"""Look at a checkpoint without loading it, and without running anything that it brings."""
