"""Loads for the Batching screen, without Textual: their profile, driver, second engine and figures."""
