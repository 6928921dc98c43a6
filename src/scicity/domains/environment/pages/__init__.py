"""The board of the environment: air for now."""

NAVIGATION = {"zh": "环境", "en": "Environment", "order": 300, "menu": "city"}
