"""Pure methods of evidence: no file, no clock, no network."""
