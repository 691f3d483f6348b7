"""Matrix factorization of implicit feedback: weighted ALS, spectral filter, BPR."""
