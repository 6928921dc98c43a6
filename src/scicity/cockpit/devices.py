"""Devices that may send: credentials, and which datastreams each may send for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from fnmatch import fnmatchcase

from django.utils import timezone

from scicity.cockpit import audit
from scicity.cockpit.models import Device

SECRET_BYTES = 32  # so many that a plain digest cannot be guessed back
NOBODY = hashlib.sha256(secrets.token_bytes(SECRET_BYTES)).hexdigest()  # what an unknown name is held against


def make(name: str, datastreams: Iterable[str]) -> str:
    """A new device, or a new secret for a known one; returns `name.secret`, which is kept nowhere."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    device, made = Device.objects.update_or_create(
        name=name, defaults={"digest": _digest(secret), "datastreams": "\n".join(datastreams), "revoked_at": None}
    )
    audit.write("device-made" if made else "device-renewed", device.name, after={"datastreams": device.datastreams})
    return f"{name}.{secret}"


def revoke(device: Device) -> None:
    """A device may send no more."""
    device.revoked_at = timezone.now()
    device.save(update_fields=["revoked_at"])
    audit.write("device-revoked", device.name)


def known(credential: str) -> Device | None:
    """The device of `name.secret`; None where there is none, its secret is another, or it was revoked."""
    name, _, secret = credential.partition(".")
    device = Device.objects.filter(name=name).first()
    same = hmac.compare_digest(device.digest if device else NOBODY, _digest(secret))
    return device if device and same and device.revoked_at is None else None


def not_its_own(device: Device, datastreams: Iterable[str | None]) -> list[str]:
    """The datastreams that a device may not send for."""
    patterns = device.datastreams.split()
    return sorted(str(n) for n in datastreams if not any(fnmatchcase(str(n), pattern) for pattern in patterns))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
