"""Pages of documents: mine, those of a subject, one with its versions; the form that adds one; and what is downloaded."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, SuspiciousFileOperation
from django.db.models import Prefetch
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from scicity.cockpit import audit
from scicity.documents import attaching, keeping, uploading
from scicity.documents.attaching import in_chinese
from scicity.documents.entitlement import may_read, may_write, page_of
from scicity.documents.models import Document, Upload, Version
from scicity.documents.naming import safe_line
from scicity.kernel.problems import Refused

SHOWN = 200  # documents of a page
# A document is saved, never shown within the cockpit's own origin; where a browser opens it all the same, nothing runs.
DOWNLOAD_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@login_required
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """The versions that somebody sent, and their uploads that are not finished."""
    versions = Version.objects.filter(who=request.user).select_related("document").order_by("-at")[:SHOWN]
    unfinished = Upload.objects.filter(who=request.user, version=None, until__gt=timezone.now()).order_by("begun_at")
    told = {"versions": [each for each in versions if may_read(request.user, each.document.subject)], "uploads": unfinished}
    return render(request, "documents/mine.html", told)


@login_required
@require_GET
def of_subject(request: HttpRequest, subject: str) -> HttpResponse:
    """The documents of a subject, for those who may read them; the form that adds one, for those who may write."""
    if not may_read(request.user, subject):
        raise Http404
    return render(request, "documents/of_subject.html", {"subject": subject, "page": page_of(subject)})


@login_required
@require_http_methods(["GET", "POST"])
def document(request: HttpRequest, document: int) -> HttpResponse:
    """A document with its versions. Whoever may write withdraws it, or brings it back; its versions stay."""
    found = _readable(request, document)
    writes = may_write(request.user, found.subject)
    if request.method == "POST":
        if not writes:
            raise PermissionDenied
        state = {"withdraw": "withdrawn", "restore": "current"}.get(request.POST.get("act", ""))
        if state and state != found.state:
            found.state, found.because = state, safe_line(request.POST.get("reason", ""), 1000)
            found.save()
        return redirect("document", document=found.pk)
    versions = found.versions.order_by("-number")
    told = {"document": found, "versions": versions, "writes": writes, "page": page_of(found.subject)}
    return render(request, "documents/document.html", told)


@login_required
@require_safe
def download(request: HttpRequest, document: int, number: int) -> HttpResponse:
    """One version as a file to be saved; who had it stands in the audit trail."""
    found = _readable(request, document)
    version = found.versions.filter(number=number).first()
    if version is None:
        raise Http404
    etag = f'"{version.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag, **DOWNLOAD_HEADERS})
    try:
        content = keeping.path_of(settings.PLACE.state, version.sha256).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    if request.method == "GET":
        audit.write("document-read", f"{found.subject} {found.pk}/{number}: {version.name}")
    response = FileResponse(content, as_attachment=True, filename=version.name, content_type=version.media_type)
    for name, value in {**DOWNLOAD_HEADERS, "ETag": etag}.items():
        response.headers[name] = value
    return response


@login_required
@require_POST
def attach(request: HttpRequest) -> HttpResponse:
    """Adds a file by a plain form, for browsers without scripts; larger ones come by /documents/uploads/."""
    subject = request.POST.get("subject", "")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = f"/documents/of/{subject}/" if may_read(request.user, subject) else "/documents/"
    if not may_write(request.user, subject):
        raise PermissionDenied
    chinese = request.LANGUAGE_CODE.startswith("zh")
    try:
        file = request.FILES.get("file")
    except SuspiciousFileOperation:
        file = None
    if file is None:
        messages.error(request, "请选择文件。" if chinese else "Choose a file.")
        return redirect(back)
    number, known = request.POST.get("document", ""), None
    if number:
        digits = number.isascii() and number.isdecimal() and len(number) <= 15
        known = Document.objects.filter(pk=int(number), subject=subject).first() if digits else None
        if known is None:
            raise Http404
    told = {name: request.POST.get(name, "") for name in ("kind", "title", "note")}
    try:
        version = attaching.attach(
            request.user, subject, told["kind"] or "document", told["title"], file, document=known, note=told["note"]
        )
    except Refused as refused:
        for problem in refused.problems:
            messages.error(request, in_chinese(problem) if chinese else str(problem))
        return redirect(back)
    told_name = version.document.title
    messages.success(request, f"已添加：{told_name}" if chinese else f"Added: {told_name}")
    return redirect(back)


@login_required
@require_POST
def discard(request: HttpRequest, upload: Any) -> HttpResponse:
    """Ends an upload of one's own that is not finished."""
    found = Upload.objects.filter(pk=upload, who=request.user, version=None).first()
    if found is None:
        raise Http404
    uploading.end(found)
    return redirect("documents")


def documents_of(subject: str, kind: str = "") -> list[Document]:
    """The documents of a subject with their versions, newest first, in two queries whatever their number."""
    found = Document.objects.filter(subject=subject)
    if kind:
        found = found.filter(kind=kind)
    newest = Prefetch("versions", Version.objects.order_by("-number"), to_attr="newest_first")
    return list(found.prefetch_related(newest)[:SHOWN])


def _readable(request: HttpRequest, number: int) -> Document:
    """A document that whoever asks may read; what they may not read is not there."""
    found = Document.objects.filter(pk=number).first() if number < 2**63 else None
    if found is None or not may_read(request.user, found.subject):
        raise Http404
    return found
