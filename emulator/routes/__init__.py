"""Tables: one row per operation."""
