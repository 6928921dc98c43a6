"""Pure methods of energy: from the readings of meters to energy in hours."""
