"""Latent semantic indexing and hybrid retrieval of documents."""
