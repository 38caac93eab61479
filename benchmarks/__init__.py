"""Speed as ratios: both sides in one run on one machine. `python -m benchmarks` prints them all."""
