"""Records, fields, errors, schemas and other values. This package has no state and knows nothing about HTTP."""
