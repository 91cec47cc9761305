"""The width of numbers, by the names of dtypes and of quantized KV caches."""

from __future__ import annotations

ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
CODE_BITS = {"fp8": 8, "int8": 8, "int4": 4, "int2": 2}
