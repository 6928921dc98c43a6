"""The records of annual reports as a Django app."""

from django.apps import AppConfig


class AnnualConfig(AppConfig):
    """Brings the templates and closings."""

    name = "scicity.cockpit.annual"
    label = "annual"
    verbose_name = "年度监测报告 · annual report"
    default_auto_field = "django.db.models.BigAutoField"
