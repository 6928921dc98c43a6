"""The board of the reviews."""

NAVIGATION = {
    "zh": "项目评审",
    "en": "Reviews",
    "order": 94,
    "menu": "promises",
    "pages": [
        {"path": "tasks/", "zh": "我的待办", "en": "My tasks"},
        {"path": "parcels/", "zh": "地块与规划条件", "en": "Parcels and conditions"},
        {"path": "processes/", "zh": "评审流程", "en": "Processes"},
        {"path": "decisions/", "zh": "公开的决定", "en": "Published decisions"},
    ],
}
