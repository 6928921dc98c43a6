"""Pure methods of indicators: no file, no clock, no network."""
