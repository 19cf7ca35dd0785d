"""The bounds of a protocol's numbers."""

MAX_COUNT = 100_000_000
MAX_FLOPS = 1e30
MAX_SIDE = 4096  # pixels
WEEK = 604_800  # seconds
