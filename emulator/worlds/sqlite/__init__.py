"""State files: SQLite databases that store worlds."""
