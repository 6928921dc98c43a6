"""The protocol tus 1.0.0 (tus.io) at /documents/uploads/: creation, checksum, expiration and termination.

What a file is to become stands in its `Upload-Metadata`: `filename`, `subject`, and where it is wanted `kind`, `title`, `note`,
`document` (whose next version it is) and `sha256`. Others' uploads are not found. Whoever sends has a session and the token
that forms have (`X-CSRFToken`); so no other site can have a browser send.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Generator, Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.http import http_date

from scicity.cockpit.patience import Body, BodyError
from scicity.documents import attaching, uploading
from scicity.documents.entitlement import may_write
from scicity.documents.models import Document, Upload
from scicity.documents.naming import KIND, LONGEST_TITLE, SUBJECT, safe_line, safe_name, suffix_of
from scicity.kernel.problems import Refused, shown

VERSION = "1.0.0"
EXTENSIONS = "creation,checksum,expiration,termination"
DIGESTS = ("sha1", "sha256")
PIECE = 1 << 20  # [bytes]
CONTENT = "application/offset+octet-stream"
LONGEST_METADATA = 8_000  # characters
NUMBER = re.compile(r"[0-9]{1,15}")
WRONG_CHECKSUM = 460  # of the protocol; HTTP has no word for it


class Answer(Exception):  # noqa: N818  (reads as what it is)
    """An answer other than the good one."""

    def __init__(self, status: int, en: str, zh: str = "", **headers: str) -> None:
        super().__init__(en)
        self.status, self.zh, self.en = status, zh or en, en
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def uploads(request: HttpRequest) -> HttpResponse:
    """`POST` begins an upload; `OPTIONS` tells what is understood."""
    return _answered(request, {"POST": _create, "OPTIONS": _options})


def upload(request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """`HEAD` tells how far an upload has come, `PATCH` sends more, `DELETE` ends it; `GET` tells what it has become."""
    own = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete, "GET": _told, "OPTIONS": lambda request, _: _options(request)}
    return _answered(request, own, upload)


def _answered(request: HttpRequest, ways: Mapping[str, Any], upload: uuid.UUID | None = None) -> HttpResponse:
    method = str(request.method)
    if method == "POST" and "X-HTTP-Method-Override" in request.headers:
        method = request.headers["X-HTTP-Method-Override"].upper()
    try:
        if method not in ways:
            raise Answer(405, "one of " + ", ".join(ways), Allow=", ".join(ways))
        if method not in ("OPTIONS", "GET") and request.headers.get("Tus-Resumable") != VERSION:
            raise Answer(412, f"a header Tus-Resumable: {VERSION}", Tus_Version=VERSION)
        if method != "OPTIONS" and not request.user.is_authenticated:
            raise Answer(401, "log in first", "请先登录。", WWW_Authenticate="Session")
        if upload is None:
            response = ways[method](request)
        else:
            found = Upload.objects.select_related("who", "document", "version").filter(pk=upload, who=request.user).first()
            if found is None:
                raise Answer(404, "no upload of yours", "没有这项上传。")
            response = ways[method](request, found)
    except Answer as answer:
        response = _refused(answer.status, answer.zh, answer.en, answer.headers)
    except PermissionDenied:
        response = _refused(403, "您无权向此处添加文件。", "You may not add documents here.")
    except Refused as refused:
        problem = next(iter(refused.problems))
        response = _refused(422, attaching.in_chinese(problem), str(problem))
    except uploading.UploadError as error:
        response = _refused(error.status, str(error), str(error), {"Retry-After": "2"} if error.status == 423 else {})
    except BodyError as error:
        response = _refused(503, f"传输中断：{error}", f"the body was cut: {error}", {"Retry-After": "2"})
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(status: int, zh: str, en: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    reason = "Checksum Mismatch" if status == WRONG_CHECKSUM else HTTPStatus(status).phrase
    response = JsonResponse({"zh": shown(zh, 1000), "en": shown(en, 1000)}, status=status, reason=reason)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def _options(_: HttpRequest) -> HttpResponse:
    response = HttpResponse(status=204)
    response.headers["Tus-Version"] = VERSION
    response.headers["Tus-Extension"] = EXTENSIONS
    response.headers["Tus-Max-Size"] = str(attaching.own_rules().size)
    response.headers["Tus-Checksum-Algorithm"] = ",".join(DIGESTS)
    return response


def _create(request: HttpRequest) -> HttpResponse:
    if "Upload-Defer-Length" in request.headers:
        raise Answer(400, "an Upload-Length; a length that comes later is not taken")
    length, rules = _number(request, "Upload-Length"), attaching.own_rules()
    if length > rules.size:
        told = f"文件不得超过 {rules.size // 1_000_000} MB。", f"A file of at most {rules.size // 1_000_000} MB is taken."
        raise Answer(413, told[1], told[0])
    if length == 0:
        raise Answer(422, "The file is empty.", "文件是空的。")
    if request.headers.get("Content-Length", "0") not in ("", "0"):
        raise Answer(400, "no content with a creation: it is sent by PATCH")
    told_by = metadata(request.headers.get("Upload-Metadata", ""))
    place = attaching.Place(
        told_by.get("subject", ""),
        told_by.get("kind", "document"),
        safe_line(told_by.get("title", ""), LONGEST_TITLE),
        safe_line(told_by.get("note", ""), 1000),
    )
    if not (re.fullmatch(SUBJECT, place.subject) and re.fullmatch(KIND, place.kind)):
        raise Answer(400, "Upload-Metadata with a subject like reviews.case:12, and a kind of small letters")
    if not may_write(request.user, place.subject):
        raise PermissionDenied
    name, document = safe_name(told_by.get("filename", "")), _document(told_by, place.subject)
    if suffix_of(name) not in rules.suffixes:  # said before it is sent; its content is looked at when it has come
        taken = ", ".join(rules.suffixes)
        raise Answer(422, f"{name}: one of these types is taken: {taken}.", f"{name}：允许的类型为 {taken}。")
    sha256 = told_by.get("sha256", "").lower()
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Answer(400, "a sha256 of 64 digits of base 16")
    try:
        begun = uploading.begin(request.user, place, name, length, document, sha256)
    except ValidationError as error:
        raise Answer(400, "; ".join(error.messages)) from None
    response = HttpResponse(status=201)
    response.headers["Location"] = f"/documents/uploads/{begun.pk}"
    response.headers["Upload-Expires"] = http_date(begun.until.timestamp())
    return response


def _document(told_by: Mapping[str, str], subject: str) -> Document | None:
    number = told_by.get("document", "")
    if not number:
        return None
    found = Document.objects.filter(pk=int(number), subject=subject).first() if NUMBER.fullmatch(number) else None
    if found is None or found.state != "current":
        raise Answer(400, f"a document of {subject} that is not withdrawn")
    return found


def _head(request: HttpRequest, found: Upload) -> HttpResponse:
    _finished(found)
    if found.version is None:
        uploading.refuse_lost(found)
    response = _standing(found, 200)
    response.headers["Upload-Length"] = str(found.length)
    return response


def _patch(request: HttpRequest, found: Upload) -> HttpResponse:
    if request.content_type != CONTENT:
        raise Answer(415, f"a content type {CONTENT}")
    at, length = _number(request, "Upload-Offset"), _length(request)
    if found.expired(timezone.now()):
        raise Answer(410, "It was not finished in time.", "上传已过期。")
    if at + length > found.length:
        raise Answer(413, f"at most {found.length - found.offset} bytes more")
    if found.version_id is None:
        checksum = _checksum(request)
        with closing(_pieces(request, length)) as pieces:
            found.offset = uploading.receive(found, at, pieces, checksum)
    elif at != found.length:
        raise Answer(409, f"the next byte is {found.length}, not {at}")
    _finished(found)
    return _standing(found, 204)


def _delete(request: HttpRequest, found: Upload) -> HttpResponse:
    uploading.end(found)
    return HttpResponse(status=204)


def _told(request: HttpRequest, found: Upload) -> HttpResponse:
    become = found.version and {"document": f"/documents/{found.version.document_id}/", "sha256": found.version.sha256}
    return JsonResponse({"name": found.name, "offset": found.offset, "length": found.length, "version": become})


def _finished(found: Upload) -> None:
    """Makes a version of an upload that has come whole, where that was not done yet."""
    if found.expired(timezone.now()):
        raise Answer(410, "It was not finished in time.", "上传已过期。")
    if found.offset == found.length and found.version_id is None:
        found.version = uploading.finish(found)


def _standing(found: Upload, status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    response.headers["Upload-Offset"] = str(found.offset)
    if found.version is None:
        response.headers["Upload-Expires"] = http_date(found.until.timestamp())
    else:
        response.headers["Document-Location"] = f"/documents/{found.version.document_id}/"
    return response


def metadata(header: str) -> dict[str, str]:
    """What `Upload-Metadata` says: keys, each with base64 of its text behind a space. Raises Answer for anything else."""
    found: dict[str, str] = {}
    if len(header) > LONGEST_METADATA:
        raise Answer(400, f"Upload-Metadata of at most {LONGEST_METADATA} characters")
    for pair in filter(None, (each.strip() for each in header.split(","))):
        key, _, coded = pair.partition(" ")
        try:
            text = base64.b64decode(coded.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise Answer(400, "Upload-Metadata of keys, each with base64 of UTF-8 behind a space") from None
        if not key.isascii() or key in found:
            raise Answer(400, "Upload-Metadata in which each key stands once, in ASCII")
        found[key] = text
    return found


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not NUMBER.fullmatch(text):
        raise Answer(400, f"a header {header} with a whole number from 0")
    return int(text)


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length", "")
    if not NUMBER.fullmatch(text):
        raise Answer(411, "a Content-Length")
    return int(text)


def _checksum(request: HttpRequest) -> tuple[str, bytes] | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    name, _, coded = header.partition(" ")
    try:
        digest = base64.b64decode(coded.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if name not in DIGESTS or len(digest) != {"sha1": 20, "sha256": 32}[name]:
        raise Answer(400, "an Upload-Checksum of " + " or ".join(DIGESTS) + " and base64 behind a space")
    return name, digest


def _pieces(request: HttpRequest, length: int) -> Generator[bytes, None, None]:
    """The body as it comes; at no time is more than a piece of it in memory."""
    given = request.environ["wsgi.input"]
    if isinstance(given, Body):
        yield from given.pieces(f"upload {request.user.pk}", PIECE)
        return
    while length:
        piece = given.read(min(length, PIECE))
        if not piece:
            raise BodyError(f"{length} bytes did not come")
        length -= len(piece)
        yield piece
