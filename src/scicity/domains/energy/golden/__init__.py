"""Known answers of energy: true meters, what goes wrong with their readings, and what the ledger must say."""
