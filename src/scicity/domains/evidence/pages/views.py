"""The pages of findings: the list, one finding with its settlement, and the report's text with what was found in it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods

from scicity.cockpit import telling
from scicity.domains.evidence.models import SETTLEMENTS, Settlement
from scicity.domains.evidence.pages import asked, marking

AROUND = 2  # lines before and behind a quote
LONGEST_NOTE = 1_000


def findings(request: HttpRequest) -> HttpResponse:
    """The findings, filtered by kind, severity and whether they are settled."""
    wanted = {name: request.GET.get(name, "").strip()[:20] for name in (*asked.FILTERS, "page")}
    found = asked.entries(request.city)
    kept = urlencode({name: value for name, value in wanted.items() if value and name != "page"})
    context = {
        "shown": asked.shown(found, wanted),
        "any": bool(found),
        "checked": len(request.city.rows("indicators.statement", ["claim_id"])),
        "open": sum(one["state"] in asked.OPEN for one in found),
        "all": len(found),
        "wanted": wanted,
        "kept": f"{kept}&" if kept else "",
    }
    return render(request, "evidence/findings.html", context)


@require_http_methods(["GET", "POST"])
def finding(request: HttpRequest, name: str) -> HttpResponse:
    """One finding: its arithmetic, its statements in their places, what explains it, and what was decided."""
    city = request.city
    found = asked.entries(city, {"finding": name})
    if not found:
        raise Http404("no such finding")
    one = found[0]
    may = request.user.has_perm("evidence.add_settlement")
    if request.method == "POST":
        if not may:
            raise PermissionDenied
        fault = _settle(request, one["row"])
        if not fault:
            told = ("已记录。", "Recorded.")
            telling.done(request, *told)
            return redirect("evidence:finding", name=name)
        context = {
            "one": _placed(city, one),
            "may": may,
            "acts": _acts(one),
            "fault": fault,
            "note": request.POST.get("note", "")[:LONGEST_NOTE],
        }
        return render(request, "evidence/finding.html", context, status=422)
    return render(request, "evidence/finding.html", {"one": _placed(city, one), "may": may, "acts": _acts(one)})


def _acts(one: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (act, asked.STATES[act])
        for act in SETTLEMENTS
        if act != "reopened" or one["state"] in ("accepted", "correction", "note")
    ]


def _settle(request: HttpRequest, row: Any) -> str:
    """Keeps what was decided of a finding as it stands now; what is wrong with it, where it cannot be kept."""
    key = {"finding": row["finding"], "claims_digest": row["claims_digest"]}
    record = Settlement.objects.filter(**key).first()
    if record is not None and not request.user.has_perm("evidence.change_settlement"):
        raise PermissionDenied
    record = record or Settlement(**key)
    record.settlement = request.POST.get("settlement", "")[:20]
    record.note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    record.who = request.user.get_username()
    record.because = record.note
    try:
        record.save()
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _placed(city: Any, one: dict[str, Any]) -> dict[str, Any]:
    """A finding whose statements have the lines around their quotes."""
    for claim in one["claims"]:
        row = claim["statement"]
        if row is None:
            continue
        near = {
            line["line"]: line["text"]
            for line in city.rows("indicators.document_line", ["document", "line", "text"], {"document": row["document"]})
            if abs(line["line"] - row["line"]) <= 2 * AROUND
        }
        claim["lines"] = [
            (str(number), *(near[number].partition(row["quote_zh"]) if number == row["line"] else (near[number], "", "")))
            for number in sorted(near)
        ]
    return one


def text(request: HttpRequest) -> HttpResponse:
    """A report's text with its statements and findings marked in place."""
    city = request.city
    lines: dict[str, dict[int, str]] = defaultdict(dict)
    for line in city.rows("indicators.document_line"):
        lines[line["document"]][line["line"]] = line["text"]
    documents = sorted(lines)
    document = request.GET.get("document", "")
    document = document if document in lines else next(iter(documents), "")
    only = request.GET.get("only") == "1"
    found = {one["row"]["finding"]: one for one in asked.entries(city)}
    chinese = request.LANGUAGE_CODE.startswith("zh")
    of_claim: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, one in enumerate(found.values(), start=1):
        row, check = one["row"], one["check"]
        words = (check["name_zh" if chinese else "name_en"] if check else row["rule"]) + ": " + row["arithmetic"]
        told = {"finding": row["finding"], "severity": row["severity"], "words": words, "mark": str(number)}
        for claim in one["claims"]:
            of_claim[claim["row"]["claim_id"]].append(told)
    statements = [
        row
        for row in city.rows("indicators.statement", ["document", "claim_id", "quote_zh", "line"])
        if row["document"] == document
    ]
    body = marking.marked(lines[document], statements, of_claim, only) if document else ""
    context = {
        "documents": documents,
        "document": document,
        "only": only,
        "body": mark_safe(body),  # noqa: S308  (each text in it was escaped)
        "statements": len(statements),
        "found": sum(any(claim["row"]["document"] == document for claim in one["claims"]) for one in found.values()),
    }
    return render(request, "evidence/text.html", context)
