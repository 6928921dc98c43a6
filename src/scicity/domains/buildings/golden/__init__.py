"""Known answers of buildings: ratings, labels in force and their shares, promises against what was measured."""
