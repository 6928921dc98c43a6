"""The records of exchange as a Django app."""

from django.apps import AppConfig


class OgcConfig(AppConfig):
    """Brings the edits of features, and the ledger of who took which layer."""

    name = "scicity.cockpit.ogc"
    label = "ogc"
    verbose_name = "图层交换 · exchange of layers"
    default_auto_field = "django.db.models.BigAutoField"
