"""Actions outside the API: create and cancel orders and packages, report carrier events, change stock."""
