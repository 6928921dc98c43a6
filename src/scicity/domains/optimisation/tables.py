"""Optimisation declares no table yet: plans are worked out by its methods, from stations that are given to them."""
