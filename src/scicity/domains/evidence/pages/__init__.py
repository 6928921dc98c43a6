"""What was found in the statements of reports, the report's text with it, and the check of a draft."""

NAVIGATION = {
    "zh": "核查",
    "en": "Evidence",
    "order": 92,
    "menu": "promises",
    "pages": [
        {"path": "text/", "zh": "报告对照", "en": "Report with findings"},
        {"path": "draft/", "zh": "草稿核查", "en": "Check a draft"},
    ],
}
