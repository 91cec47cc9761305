"""Our own loop over any `AutoModelForCausalLM`, so that every toggle acts on a running batch."""

import os

# Products over a growing cache have a new shape in each step. In 16 bits oneDNN compiles each of them, and keeps 1,024
# in its own cache and as many in PyTorch's: a gigabyte that is never freed. A step needs a few dozen.
for _cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_cache, "128")
