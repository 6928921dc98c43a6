"""The pages of living circles: who reaches what in fifteen minutes, whom one more place would serve, the best places."""

NAVIGATION = {
    "zh": "生活圈",
    "en": "Living circles",
    "order": 350,
    "menu": "city",
    "pages": [
        {"path": "gaps/", "zh": "服务缺口", "en": "Gaps"},
        {"path": "best/", "zh": "选址", "en": "Best places"},
        {"path": "schools/", "zh": "学位", "en": "School places"},
        {"path": "sdg/", "zh": "可持续发展指标", "en": "SDG indicators"},
    ],
}
