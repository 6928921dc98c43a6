"""What administrators see of people and of the audit trail; the trail is read only."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from scicity.cockpit import audit, devices
from scicity.cockpit.models import AuditEntry, Device, Person
from scicity.records.models import Record

admin.site.site_header = "SciCity"
admin.site.site_title = "SciCity"


@admin.register(Person)
class PersonAdmin(UserAdmin):
    """People and their roles."""

    fieldsets = (*UserAdmin.fieldsets, (None, {"fields": ("must_change_password", "enterprise")}))
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "last_login")


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    """Devices: a new one shows its secret once, a revoked one sends no more; none is deleted, because readings name it."""

    list_display = ("name", "datastreams", "made_at", "revoked_at")
    fields = ("name", "datastreams")
    actions = ("renew", "revoke")

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        """Makes the device with its secret; of a known one, keeps what it may send for."""
        if not change:
            self.message_user(request, f"{devices.make(obj.name, obj.datastreams.split())}  (只显示一次 · shown once)")
            obj.pk = Device.objects.get(name=obj.name).pk
            return
        before = Device.objects.get(pk=obj.pk).datastreams
        obj.save(update_fields=["datastreams"])
        audit.write("device-changed", obj.name, {"datastreams": before}, {"datastreams": obj.datastreams})

    @admin.action(description="换发密钥 · give a new secret")
    def renew(self, request: HttpRequest, chosen: Any) -> None:
        """Gives new secrets, each shown once."""
        for device in chosen:
            told = devices.make(device.name, device.datastreams.split())
            self.message_user(request, f"{told}  (只显示一次 · shown once)")

    @admin.action(description="吊销 · revoke")
    def revoke(self, request: HttpRequest, chosen: Any) -> None:
        """Revokes devices."""
        for device in chosen:
            devices.revoke(device)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The name of a device stays."""
        return ("name",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No device is deleted."""
        return False


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


for _model in apps.get_models():
    if issubclass(_model, Record) and _model.RIGHTS:  # those without are their own pages' alone, as documents are
        admin.site.register(_model)
