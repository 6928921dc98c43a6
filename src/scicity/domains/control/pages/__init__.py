"""The board of dual control."""

NAVIGATION = {"zh": "双控预警", "en": "Dual control", "order": 220, "menu": "energy"}
