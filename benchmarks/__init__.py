"""Speed ratios, both sides measured in one run on one machine. `python -m benchmarks` prints all of them."""
