"""Bayesian matrix factorization by Gibbs sampling."""
