"""The board of layers: who keeps which, how current each is, and what became otherwise."""

NAVIGATION = {"zh": "图层", "en": "Layers", "order": 720, "menu": "data"}
