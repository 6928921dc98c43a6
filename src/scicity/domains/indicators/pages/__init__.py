"""The board of indicators, and the statements of reports."""

NAVIGATION = {
    "zh": "指标",
    "en": "Indicators",
    "order": 90,
    "menu": "promises",
    "pages": [{"path": "statements/", "zh": "报告陈述", "en": "Statements"}],
}
