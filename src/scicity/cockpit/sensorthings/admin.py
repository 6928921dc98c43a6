"""What administrators see of the entities that clients of SensorThings made; they may delete what a device left behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from scicity.access.sensorthings.entities import SETS
from scicity.cockpit.devices import Sender
from scicity.cockpit.sensorthings.catalogue import catalogue
from scicity.cockpit.sensorthings.models import Described
from scicity.cockpit.sensorthings.writing import Writing


@admin.register(Described)
class DescribedAdmin(admin.ModelAdmin):
    """Entities of clients: read only, but for deleting, which is done and written down as if their device did it."""

    list_display = ("kind", "key", "owner", "made_at")
    list_filter = ("kind", "owner")
    search_fields = ("key",)

    def delete_model(self, request: HttpRequest, obj: Described) -> None:
        """Deletes an entity with those that need it, whoever made them."""
        owner = Sender(obj.owner, "", re.compile(""))
        writing = Writing(owner, catalogue(request.city), datetime.now(UTC), lambda _: None, of_all=True)
        writing.delete(SETS[obj.kind], obj.key)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Deletes several; those that went with another are gone already."""
        for each in list(queryset):
            if Described.objects.filter(pk=each.pk).exists():
                self.delete_model(request, each)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Devices make entities."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Devices change them."""
        return False
