"""The board of diagnosis."""

NAVIGATION = {
    "zh": "能效诊断",
    "en": "Diagnosis",
    "order": 150,
    "menu": "energy",
    "pages": [{"path": "measures/", "zh": "措施与核证", "en": "Measures and proof"}],
}
