"""Estimators of incomplete matrices: recommenders and matrix completion by factors."""
