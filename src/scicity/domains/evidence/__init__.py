"""Evidence (核查)."""
