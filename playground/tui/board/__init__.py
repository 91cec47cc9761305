"""The batching board without Textual: a fold over steps, its columns, its visible part."""
