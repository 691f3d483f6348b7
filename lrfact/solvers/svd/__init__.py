"""Truncated singular value decompositions: exact, Gram, randomized, Lanczos, incremental."""
