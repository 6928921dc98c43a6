"""Tags of documents, for pages of domains."""
