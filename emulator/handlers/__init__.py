"""One function per operation."""
