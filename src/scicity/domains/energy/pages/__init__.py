"""The board of energy."""

NAVIGATION = {
    "zh": "能源",
    "en": "Energy",
    "order": 100,
    "menu": "energy",
    "pages": [
        {"path": "balance/", "zh": "平衡", "en": "Balance"},
        {"path": "load/", "zh": "负荷", "en": "Load"},
        {"path": "items/", "zh": "分项", "en": "Sub-items"},
        {"path": "cost/", "zh": "费用", "en": "Cost"},
        {"path": "enterprises/", "zh": "企业", "en": "Enterprises"},
        {"path": "virtual/", "zh": "虚拟表", "en": "Virtual meters"},
    ],
}
