"""Operating SciCity: its processes kept going, logs, back-up and restore, upgrades. Knows lake and inbox, and no domain."""
