"""What the Batching screen shows, without Textual: a load, its runs and predictions, and what drives them."""
