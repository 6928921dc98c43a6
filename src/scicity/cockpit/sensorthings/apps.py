"""The entities that clients of SensorThings make, as a Django app of its own."""

from django.apps import AppConfig


class SensorThingsConfig(AppConfig):
    """Brings the records of entities."""

    name = "scicity.cockpit.sensorthings"
    label = "sensorthings"
    verbose_name = "SensorThings"
    default_auto_field = "django.db.models.BigAutoField"
