"""The board of buildings: labels and ratings, and what was promised of their operation."""

NAVIGATION = {
    "zh": "建筑",
    "en": "Buildings",
    "order": 170,
    "pages": [{"path": "promises/", "zh": "承诺与实测", "en": "Promised and measured"}],
}
