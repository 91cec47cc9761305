"""The batching board without a screen: a fold over steps, its columns, what of it is seen."""
