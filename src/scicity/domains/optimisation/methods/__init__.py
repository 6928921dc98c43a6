"""Pure methods of optimisation: no file, no clock, no network."""
