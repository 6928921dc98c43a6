"""The board of buildings: labels and ratings, and what was promised of their operation."""

NAVIGATION = {
    "zh": "建筑",
    "en": "Buildings",
    "order": 310,
    "menu": "city",
    "pages": [{"path": "promises/", "zh": "承诺与实测", "en": "Promised and measured"}],
}
