"""Values and state: records, store, sources, world, schemas. Knows nothing of HTTP or documents."""
