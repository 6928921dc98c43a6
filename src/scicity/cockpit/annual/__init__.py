"""The annual monitoring report on the web: files, the template that the office edits, closing and what changed since."""
