"""Import of recorded GET responses: documents to records, scenarios and installations."""
