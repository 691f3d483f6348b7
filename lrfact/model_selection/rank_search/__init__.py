"""Cross-validated search over the number of components."""
