"""Template tags of the cockpit; every template has them without loading them."""
