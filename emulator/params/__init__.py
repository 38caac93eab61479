"""Query text to typed values."""
