"""The board of parks, greenways and slow traffic."""

NAVIGATION = {"zh": "公园与慢行", "en": "Parks and greenways", "order": 306, "menu": "city"}
