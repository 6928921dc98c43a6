"""The board of carbon."""

NAVIGATION = {"zh": "碳排放", "en": "Carbon", "order": 200}
