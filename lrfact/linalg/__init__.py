"""Steps that several solvers share, each file named after its operation."""
