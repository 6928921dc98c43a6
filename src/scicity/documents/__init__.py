"""Documents: files that belong to something ("reviews.case:12"), in versions of which none is ever overwritten.

`attach(request, subject, kind, title, file)` keeps a file, as a new document or with `document=` as its next version. Who may
read and write is decided by the domain that owns the subject: its module `documents.py` with `may_read(person, subject)` and
`may_write(person, subject)`, found by its name; where it has none, nobody may. docs/how-to/documents.md says the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scicity.documents.models import Document, Version


def attach(
    request: Any, subject: str, kind: str, title: str, file: Any, *, document: Document | None = None, note: str = ""
) -> Version:
    """Keeps a file with what it belongs to, as the first version of a new document or as the next one of `document`.

    `request` is whoever asks (a request, or a person), `file` an uploaded file, or a binary stream with a `name`. The file is
    on stable storage when this returns; the rows are of the caller's transaction. Raises PermissionDenied for one who may
    not, and `scicity.kernel.problems.Refused` for a name, type, size or content that is not taken.
    """
    from scicity.documents import attaching

    return attaching.attach(getattr(request, "user", request), subject, kind, title, file, document=document, note=note)
