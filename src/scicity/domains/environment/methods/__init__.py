"""Pure methods of air quality: no file, no clock, no network."""
