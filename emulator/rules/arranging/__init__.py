"""What happens around the API and is arranged by whoever runs the world: orders, packages, carriers, stock."""
