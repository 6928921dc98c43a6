"""Files that come in pieces, and may be cut anywhere: what was acknowledged is on stable storage, and the rest comes later.

The row of an upload says how many bytes are on stable storage; behind them the part file may hold more, which a cut left and
the next piece writes over. Whoever sends the next piece has the turn: one who had it before, and whose connection nobody
knows to be dead, writes no more. Each write is done under a lock of the part file, which the system gives back when a
process dies.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from scicity.documents import attaching, keeping
from scicity.documents.entitlement import may_write
from scicity.documents.models import Upload, Version

STEP = 4 << 20  # [bytes] between two instants at which what came is put on stable storage
MOST_UNFINISHED = 20  # uploads of one person
FINISHED_DAYS = 1  # a finished upload is remembered so long, for a sender whose answer was cut off
STRAY_HOURS = 1  # a part file without an upload is kept so long


class UploadError(Exception):
    """An upload that does not go on: the status of the answer, in HTTP's numbers."""

    status = 400


class Gone(UploadError):  # noqa: N818  (reads as what happened)
    """It was not brought to its end in time."""

    status = 410


class WrongOffset(UploadError):  # noqa: N818
    """The next piece does not begin where the one before ended."""

    status = 409


class Overtaken(UploadError):  # noqa: N818
    """Another connection sends the same upload."""

    status = 423


class WrongChecksum(UploadError):  # noqa: N818
    """A piece that is not what its sender says."""

    status = 460


class NoRoom(UploadError):  # noqa: N818
    """The disk, or what one person may have under way, does not take it."""

    status = 507


def begin(person: Any, place: attaching.Place, name: str, length: int, document: Any = None, sha256: str = "") -> Upload:
    """A new upload, of which nothing has come. Raises NoRoom, and ValidationError for a place that is none."""
    now = timezone.now()
    mine = Upload.objects.filter(who=person, version=None, until__gt=now)
    if mine.count() >= MOST_UNFINISHED:
        raise NoRoom(f"{MOST_UNFINISHED} uploads are under way; finish or end one of them")
    under_way = sum(length - offset for length, offset in Upload.objects.filter(version=None).values_list("length", "offset"))
    if length + under_way > keeping.room(settings.PLACE.state):
        raise NoRoom("the disk does not take it")
    upload = Upload(
        who=person,
        subject=place.subject,
        kind=place.kind,
        title=place.title or name,
        note=place.note,
        document=document,
        name=name,
        length=length,
        sha256=sha256,
        begun_at=now,
        until=_until(now),
    )
    upload.full_clean()
    part = keeping.part_of(settings.PLACE.state, str(upload.pk))
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    keeping.sync(part.parent)
    upload.save(force_insert=True)
    return upload


def receive(upload: Upload, at: int, pieces: Iterable[bytes], checksum: tuple[str, bytes] | None = None) -> int:
    """Takes what comes from an offset on, and returns the offset [bytes] up to which all is on stable storage.

    What came before a cut is kept. With a `checksum` (name of the digest, its bytes) everything is kept, or nothing. Raises
    WrongOffset, Overtaken, WrongChecksum, NoRoom, and whatever `pieces` raise.
    """
    turn = secrets.token_hex(8)
    with _locked(upload) as part:
        now_at = _offset(upload)
        if at != now_at:
            raise WrongOffset(f"the next byte is {now_at}, not {at}")
        _give_turn(upload, turn)
        part_size = os.fstat(part).st_size
        if part_size < at:
            raise Gone("what came of it before is not there any more; begin anew")
        os.ftruncate(part, at)
    digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
    end = safe = at
    try:
        for piece in pieces:
            if end + len(piece) > upload.length:
                raise WrongOffset(f"more than the {upload.length} bytes that were announced")
            with _locked(upload) as part:
                _refuse_without(upload, turn)
                _write(part, piece, end)
                end += len(piece)
                if digest:
                    digest.update(piece)
                elif end - safe >= STEP:
                    safe = _made_safe(upload, part, safe, end)
    finally:
        if digest is None and end > safe:
            with _locked(upload) as part:
                _refuse_without(upload, turn)
                safe = _made_safe(upload, part, safe, end)
    if checksum and digest:
        if digest.digest() != checksum[1]:
            raise WrongChecksum(f"{checksum[0]} {digest.hexdigest()}")
        with _locked(upload) as part:
            _refuse_without(upload, turn)
            safe = _made_safe(upload, part, safe, end)
    return safe


def refuse_lost(upload: Upload) -> None:
    """Raises Gone where what came of an upload is not there any more, as after a restore from a back-up."""
    with _locked(upload) as part:
        if os.fstat(part).st_size < upload.offset:
            raise Gone("what came of it before is not there any more; begin anew")


def finish(upload: Upload) -> Version:
    """Makes a version of an upload that has come whole; once, however often it is asked.

    Raises PermissionDenied where its sender may not write any more, and Refused for what is not taken: it is gone then.
    """
    with _locked(upload) as part:
        upload.refresh_from_db()
        if upload.version is not None:
            return upload.version
        if os.fstat(part).st_size < upload.length:
            raise Gone("what came of it before is not there any more; begin anew")
        file = keeping.part_of(settings.PLACE.state, str(upload.pk))
        try:
            if not may_write(upload.who, upload.subject):
                raise PermissionDenied
            kept = keeping.measured(file)
            if upload.sha256 and upload.sha256 != kept.sha256:
                raise attaching.refusal("document-content", upload.name, f"SHA-256 {kept.sha256}", f"SHA-256 {upload.sha256}")
            media_type = attaching.taken_in(upload.name, kept)
            place = attaching.Place(upload.subject, upload.kind, upload.title, upload.note)
            with transaction.atomic():
                version = attaching.written(upload.who, place, upload.name, media_type, kept, upload.document)
                Upload.objects.filter(pk=upload.pk).update(version=version, offset=upload.length)
        except (PermissionDenied, attaching.Refused):
            end(upload)
            raise
    _forget_files(str(upload.pk))
    return version


def end(upload: Upload) -> None:
    """Ends an upload: what came of it is deleted. The version that it has become, if any, stays."""
    Upload.objects.filter(pk=upload.pk).delete()
    _forget_files(str(upload.pk))


def let_go(now: datetime) -> int:
    """Ends the uploads that were not brought to their end in time, and forgets the finished; how many were unfinished."""
    unfinished = list(Upload.objects.filter(version=None, until__lte=now))
    for upload in unfinished:
        end(upload)
    Upload.objects.exclude(version=None).filter(begun_at__lte=now - timedelta(days=FINISHED_DAYS), until__lte=now).delete()
    known = {str(pk) for pk in Upload.objects.filter(version=None).values_list("pk", flat=True)}
    for file in keeping.folder_of(settings.PLACE.state, keeping.UPLOADS).iterdir():
        with suppress(FileNotFoundError):
            old = now.timestamp() - file.stat().st_mtime > STRAY_HOURS * 3600
            if old and file.stem not in known:
                file.unlink()
    return len(unfinished)


def _until(now: datetime) -> datetime:
    return now + timedelta(hours=attaching.own_rules().unfinished_hours)


def _offset(upload: Upload) -> int:
    found = Upload.objects.filter(pk=upload.pk).values_list("offset", flat=True).first()
    if found is None:
        raise Gone("it was ended")
    return int(found)


def _made_safe(upload: Upload, part: int, safe: int, end: int) -> int:
    """Puts what came on stable storage, then says so in the row; only in this order."""
    try:
        os.fdatasync(part)
    except OSError as error:
        raise NoRoom(str(error)) from error
    now = timezone.now()
    if not Upload.objects.filter(pk=upload.pk, offset=safe, version=None).update(offset=end, until=_until(now)):
        raise Overtaken("it was ended, or another connection sends it")
    upload.offset = end
    return end


def _write(part: int, piece: bytes, at: int) -> None:
    left = memoryview(piece)
    try:
        while left:
            written = os.pwrite(part, left, at)
            at, left = at + written, left[written:]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoRoom("the disk does not take it") from error
        raise


@contextmanager
def _locked(upload: Upload) -> Iterator[int]:
    file = keeping.part_of(settings.PLACE.state, str(upload.pk))
    try:
        part = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        raise Gone("it was ended, or what came of it is not there any more") from None
    try:
        fcntl.flock(part, fcntl.LOCK_EX)
        yield part
    finally:
        os.close(part)


def _give_turn(upload: Upload, turn: str) -> None:
    file = keeping.part_of(settings.PLACE.state, str(upload.pk)).with_suffix(".turn")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.write(turn)


def _refuse_without(upload: Upload, turn: str) -> None:
    file = keeping.part_of(settings.PLACE.state, str(upload.pk)).with_suffix(".turn")
    try:
        found = file.read_text(encoding="ascii")
    except FileNotFoundError:
        found = ""
    if found != turn:
        raise Overtaken("another connection sends it")


def _forget_files(name: str) -> None:
    part = keeping.part_of(settings.PLACE.state, name)
    for file in (part, part.with_suffix(".turn")):
        with suppress(FileNotFoundError):
            file.unlink()
