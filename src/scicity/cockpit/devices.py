"""Devices that may send: credentials, and which datastreams each may send for."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import translate

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from scicity.access.storage import StorageRefused
from scicity.cockpit import audit
from scicity.cockpit.models import Device

SECRET_BYTES = 32  # so many that a plain digest cannot be guessed back
NOBODY = hashlib.sha256(secrets.token_bytes(SECRET_BYTES)).hexdigest()  # what an unknown name is held against
MOST_REMEMBERED = 100_000  # names
REMEMBERED = 1.0  # [s] so long a device that was revoked may still be taken for known


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


@dataclass(frozen=True)
class Sender:
    """A device that has shown its secret, and the datastreams that are its own."""

    name: str
    digest: str
    own: re.Pattern[str]

    def not_its_own(self, datastreams: Iterable[str | None]) -> list[str]:
        """Those that it may not send for."""
        return sorted(str(name) for name in datastreams if not self.own.fullmatch(str(name)))


@dataclass
class Senders:
    """Who may send. A sender is looked up once a second at most, not at every request."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Sender]] = field(default_factory=dict)

    def of(self, credential: str) -> Sender | None:
        """The device of `name.secret`; None where there is none, its secret is another, or it was revoked."""
        name, _, secret = credential.partition(".")
        digest, now = _digest(secret), self.clock()
        until, sender = self._known.get(name, (now, None))
        if sender is not None and now < until and hmac.compare_digest(sender.digest, digest):
            return sender
        sender = _looked_up(name, digest)
        if sender is not None:
            self._known[name] = (now + REMEMBERED, sender)
        return sender


@dataclass
class Named:
    """Who is there by name, for doors at which somebody else has asked for the secret, as a broker does.

    Raises StorageRefused where the records cannot be asked: nobody is told to be unknown then.
    """

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, Sender | None]] = field(default_factory=dict)

    def __call__(self, name: str) -> Sender | None:
        until, sender = self._known.get(name, (0.0, None))
        if self.clock() >= until:
            if len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            try:
                close_old_connections()
                device = Device.objects.filter(name=name, revoked_at=None).first()
            except DatabaseError as error:
                raise StorageRefused(str(error).strip()) from error
            sender = _sender(device) if device else None
            self._known[name] = (self.clock() + REMEMBERED, sender)
        return sender


named = Named()


def known(credential: str) -> Sender | None:
    """The device of `name.secret` as it stands now; None where there is none, its secret is another, or it was revoked."""
    name, _, secret = credential.partition(".")
    return _looked_up(name, _digest(secret))


def _looked_up(name: str, digest: str) -> Sender | None:
    close_old_connections()
    device = Device.objects.filter(name=name).first()
    same = hmac.compare_digest(device.digest if device else NOBODY, digest)
    if device is None or not same or device.revoked_at is not None:
        return None
    return _sender(device)


def _sender(device: Device) -> Sender:
    return Sender(device.name, device.digest, re.compile("|".join(map(translate, device.datastreams.split())) or r"(?!)"))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
