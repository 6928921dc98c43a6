"""Pure methods of diagnosis: no file, no clock, no network."""
