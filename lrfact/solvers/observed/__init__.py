"""Matrix factorization on the observed entries of an incomplete matrix: ALS and SGD."""
