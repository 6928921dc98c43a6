"""The board of the optimisation of energy stations."""

NAVIGATION = {"zh": "优化调度", "en": "Dispatch", "order": 400, "menu": "energy"}
