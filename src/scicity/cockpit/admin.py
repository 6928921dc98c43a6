"""What administrators see of people and of the audit trail; the trail is read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from scicity.cockpit.models import AuditEntry, Person

admin.site.site_header = "SciCity"
admin.site.site_title = "SciCity"


@admin.register(Person)
class PersonAdmin(UserAdmin):
    """People and their roles."""

    fieldsets = (*UserAdmin.fieldsets, (None, {"fields": ("must_change_password",)}))
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "last_login")


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    """The audit trail."""

    list_display = ("at", "who_name", "action", "subject", "address")
    list_filter = ("action",)
    search_fields = ("who_name", "subject")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds entries by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes entries."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes entries."""
        return False
