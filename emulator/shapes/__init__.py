"""Records to documented documents, and recorded documents back to records."""
