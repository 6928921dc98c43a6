"""The map for people: who may see what of it."""
