"""Parameters of requests: filters and order of lists, pagination, fields of bodies, strict checks."""
