"""A file becomes a version of a document: looked at, kept, and written down in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from scicity.cockpit import audit
from scicity.cockpit.city import open_city
from scicity.documents import keeping
from scicity.documents.entitlement import may_write
from scicity.documents.models import Document, Version
from scicity.documents.naming import LONGEST_TITLE, safe_line, safe_name, suffix_of
from scicity.documents.recognising import NotTaken, recognised
from scicity.documents.rules import Rules, rules_of
from scicity.documents.types import TYPES
from scicity.kernel.problems import Problem, Problems, Refused, catalogue


@dataclass(frozen=True)
class Place:
    """What a file is to belong to, and as what."""

    subject: str
    kind: str
    title: str
    note: str = ""


def attach(
    person: Any, subject: str, kind: str, title: str, file: Any, *, document: Document | None = None, note: str = ""
) -> Version:
    """Keeps a file with what it belongs to; see the package."""
    if not may_write(person, subject):
        raise PermissionDenied
    name, rules = safe_name(str(getattr(file, "name", "") or "")), own_rules()
    state = settings.PLACE.state
    try:
        with keeping.incoming(state, _pieces(file), min(rules.size, keeping.room(state))) as kept:
            media_type = taken_in(name, kept)
            return written(person, Place(subject, kind, title, note), name, media_type, kept, document)
    except OverflowError:
        raise refusal("document-size", name, f"more than {rules.size} bytes", f"at most {rules.size} bytes") from None


def taken_in(name: str, kept: keeping.Kept) -> str:
    """Looks at a file that lies whole on stable storage and puts it among the contents; its media type. Raises Refused."""
    media_type = checked(name, kept, own_rules())
    keeping.keep(settings.PLACE.state, kept)
    return media_type


def written(
    person: Any, place: Place, name: str, media_type: str, kept: keeping.Kept, document: Document | None = None
) -> Version:
    """Writes down a content that is kept, as the first version of a new document or the next of one. Raises Refused."""
    with transaction.atomic():
        audit.hold()
        try:
            if document is None:
                document = Document(subject=place.subject, kind=place.kind, title=safe_line(place.title, LONGEST_TITLE) or name)
                document.save()
            else:
                document = Document.objects.select_for_update().get(pk=document.pk)
                if document.subject != place.subject or document.state != "current":
                    found, expected = f"document {document.pk}", f"one of {place.subject} that is not withdrawn"
                    raise refusal("document-place", name, found, expected)
            last = document.versions.order_by("-number").values_list("number", flat=True).first() or 0
            version = Version(
                document=document,
                number=last + 1,
                name=name,
                media_type=media_type,
                size=kept.size,
                sha256=kept.sha256,
                note=safe_line(place.note, 1000),
                who=person,
                who_name=person.get_username(),
                at=timezone.now(),
            )
            version.save()
        except ValidationError as error:
            field, told = next(iter(error.message_dict.items()))
            raise refusal("document-place", name, place.subject, f"{field}: {'; '.join(told)}") from None
    return version


def checked(name: str, kept: keeping.Kept, rules: Rules) -> str:
    """The media type of a file. Raises Refused for one that is empty or too large, or not of a type that is taken."""
    if not 0 < kept.size <= rules.size:
        raise refusal("document-size", name, f"{kept.size} bytes", f"1 to {rules.size} bytes")
    suffix = suffix_of(name)
    try:
        found = recognised(kept.file, suffix)
    except NotTaken as error:
        raise refusal(error.code, name, error.found, error.expected) from None
    if found not in rules.types:
        raise refusal("document-type", name, TYPES[found].en, ", ".join(rules.types))
    if suffix not in TYPES[found].suffixes:
        expected = "a name that ends with " + " or ".join(f".{each}" for each in TYPES[found].suffixes)
        raise refusal("document-type", name, f"{TYPES[found].en} by its content", expected)
    return TYPES[found].media_type


def own_rules() -> Rules:
    """The rules of the district that is served."""
    return rules_of(open_city(settings.PLACE).district.settings)


def refusal(code: str, name: str, found: str, expected: str) -> Refused:
    """A file that is not taken, with its problem."""
    problems = Problems()
    problems.add(code, name, found=found, expected=expected)
    return Refused(problems)


def in_chinese(problem: Problem) -> str:
    """A problem in a line of Chinese; what was found and expected as it stands."""
    known = catalogue()[problem.code]
    return f"{problem.file}：{known['zh']}（{problem.found}；应为 {problem.expected}）。{known['remedy_zh']}"


def _pieces(file: Any) -> Iterator[bytes]:
    if hasattr(file, "chunks"):
        yield from file.chunks(keeping.PIECE)
        return
    while piece := file.read(keeping.PIECE):
        yield piece
