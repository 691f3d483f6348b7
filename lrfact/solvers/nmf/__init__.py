"""Nonnegative matrix factorization: coordinate descent, multiplicative updates, online."""
