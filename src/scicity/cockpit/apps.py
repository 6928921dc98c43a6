"""The cockpit as a Django app."""

from django.apps import AppConfig


class CockpitConfig(AppConfig):
    """Connects what is written down about people's access."""

    name = "scicity.cockpit"
    label = "cockpit"
    verbose_name = "SciCity"

    def ready(self) -> None:
        """Connects the signals of the audit trail."""
        from scicity.cockpit import audit  # noqa: F401
