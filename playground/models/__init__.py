"""The bundled models and the scripts that made them."""
