"""The board of heritage: sites, heights around them, views."""

NAVIGATION = {"zh": "历史文化", "en": "Heritage", "order": 305, "menu": "city"}
