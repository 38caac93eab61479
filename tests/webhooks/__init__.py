"""Events on their way to hooks: over real HTTP, on the world's clock, and disturbed on demand."""
