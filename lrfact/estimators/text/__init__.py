"""Estimators of texts: latent semantic search and weights of terms."""
