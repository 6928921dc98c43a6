"""The board of carbon."""

NAVIGATION = {
    "zh": "碳排放",
    "en": "Carbon",
    "order": 200,
    "menu": "energy",
    "pages": [
        {"path": "enterprises/", "zh": "企业清单", "en": "Enterprises"},
        {"path": "inventory/", "zh": "区域清单 GPC", "en": "Inventory (GPC)"},
        {"path": "certificates/", "zh": "绿证与绿电", "en": "Certificates"},
        {"path": "cogeneration/", "zh": "联供分摊", "en": "CCHP allocation"},
        {"path": "changes/", "zh": "变化原因", "en": "Why it changed"},
    ],
}
