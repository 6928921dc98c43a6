"""The board of energy."""

NAVIGATION = {"zh": "能源", "en": "Energy", "order": 100}
