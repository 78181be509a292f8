"""Small things that every package shares: spacings, boxes, inner products, threads, memory, progress, files."""
