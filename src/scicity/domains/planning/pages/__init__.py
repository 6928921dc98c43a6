"""The board of planning: plans and their targets, conflicts, accounts of land."""

NAVIGATION = {
    "zh": "规划",
    "en": "Planning",
    "order": 300,
    "menu": "city",
    "pages": [
        {"path": "conflicts/", "zh": "规划冲突", "en": "Conflicts"},
        {"path": "land/", "zh": "用地与蓝绿台账", "en": "Land and blue-green"},
    ],
}
