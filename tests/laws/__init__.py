"""Laws (invariances) of all estimators and solvers, and the documented exceptions."""
