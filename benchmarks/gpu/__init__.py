"""One script for the first GPU that comes by: `python -m benchmarks.gpu`. What its numbers mean is in docs/gpu.md."""
