"""Laws that every estimator and solver keeps, and the documented exceptions to them."""
