"""Known answers of optimisation: stations whose best plan can be worked out by hand."""
