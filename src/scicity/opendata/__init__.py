"""Open data: what the public may take of a district's figures, as CSV, JSON, SDMX, for Open SDG, and as a DCAT catalogue."""
