"""Matrix completion by the nuclear norm: Soft-Impute and its regularization path."""
