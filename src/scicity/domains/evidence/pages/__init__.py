"""The board of evidence."""

NAVIGATION = {"zh": "核查", "en": "Evidence", "order": 500}
