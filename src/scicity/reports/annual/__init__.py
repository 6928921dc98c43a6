"""The annual monitoring report of a district: a template that the office edits, rendered to PDF, Word and Excel."""
