"""The board of indicators, their editions, revisions and duties, conformity, and the statements of reports."""

NAVIGATION = {
    "zh": "指标",
    "en": "Indicators",
    "order": 90,
    "menu": "promises",
    "pages": [
        {"path": "editions/", "zh": "版本", "en": "Editions"},
        {"path": "revisions/", "zh": "修订", "en": "Revisions"},
        {"path": "duties/", "zh": "报送职责", "en": "Duties"},
        {"path": "conformity/", "zh": "符合性", "en": "Conformity"},
        {"path": "statements/", "zh": "报告陈述", "en": "Statements"},
    ],
}
