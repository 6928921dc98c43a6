"""The board of devices."""

NAVIGATION = {"zh": "设备", "en": "Devices", "order": 700, "menu": "data"}
