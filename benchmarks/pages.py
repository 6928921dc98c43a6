"""Every page of some parts of the cockpit over a district that runs: how long an answer takes, at the 95th percentile.

    SCICITY_STATE=FOLDER python benchmarks/pages.py [--district FOLDER] [--rounds 20] [--each 3] [--below PREFIX ...]

The district was brought up before; its state folder is copied, so that nothing here changes it. Somebody of each role, and
nobody, begins at the first page of each part and follows its links; of the pages of one kind (one route, with the same words in
its query) the first few are asked for, again and again. Told are the milliseconds of each kind: wall clock, and the own time of
the process, which others on the machine do not lengthen. The bar: each page below 300 ms at p95; files are told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

SAMPLE = Path(__file__).parent.parent / "districts" / "future-science-city"
BELOW = ("/indicators/", "/evidence/", "/buildings/", "/reviews/", "/reports/annual/", "/open-data/")
ROLES = ("", "applicant", "reviewer", "expert", "authority", "data-owner", "officer", "leader", "administrator")
HREF = re.compile(r'href="([^"#]+)')
BAR = 300  # [ms]
MOST = 3_000  # pages that are looked at for links


def kind_of(path: str) -> tuple[str, tuple[str, ...]]:
    """The route of a path and the words of its query: pages of one kind are made alike."""
    from django.urls import Resolver404, resolve

    parts = urlsplit(path)
    try:
        route = resolve(parts.path).route
    except Resolver404:
        return "", ()
    return str(route), tuple(sorted({name for name, _ in parse_qsl(parts.query)}))


def found_by(browser: Any, below: tuple[str, ...], each: int) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """The pages that somebody comes to by links, by kind; at most `each` of a kind."""
    kinds: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    waiting, seen = list(below), set(below)
    while waiting and len(seen) < MOST:
        path = waiting.pop(0)
        kind = kind_of(path)
        if not kind[0] or len(kinds[kind]) >= each:
            continue
        answer = browser.get(path)
        if answer.status_code != 200:
            continue
        kinds[kind].append(path)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        for link in HREF.findall(answer.content.decode()):
            target = urljoin(path, link.replace("&amp;", "&"))
            if target.startswith(below) and target not in seen:
                seen.add(target)
                waiting.append(target)
    return kinds


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def main() -> None:
    """Copies the state, makes people, asks, tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--district", type=Path, default=SAMPLE)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--below", nargs="*", default=list(BELOW))
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="scicity-pages-"))
    shutil.copytree(Path(os.environ["SCICITY_STATE"]), root / "state", ignore=shutil.ignore_patterns("*.turn", "in-use.lock"))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "scicity.cockpit.settings", "SCICITY_DISTRICT": str(asked.district.resolve())}
    os.environ["SCICITY_STATE"] = str(root / "state")
    import django

    django.setup()
    from django.contrib.auth.models import Group
    from django.test import Client

    from scicity.cockpit import roles
    from scicity.cockpit.models import Person

    roles.prepare()
    slowest: dict[str, tuple[float, float, str]] = {}
    firsts: dict[str, float] = defaultdict(float)
    for role in ROLES:
        browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="zh")
        if role:
            person = Person.objects.filter(groups__name=role, is_active=True).order_by("pk").first()
            if person is None:
                person = Person.objects.create_user(f"bench-{role}")
                person.groups.add(Group.objects.get(name=role))
            Person.objects.filter(pk=person.pk).update(must_change_password=False)
            browser.force_login(Person.objects.get(pk=person.pk))
        kinds = found_by(browser, tuple(asked.below), asked.each)
        for (route, words), paths in sorted(kinds.items()):
            page = f"/{route}" + (f"?{'&'.join(words)}" if words else "")
            for path in paths:
                walls, owns = [], []
                html = True
                for number in range(asked.rounds + 2):
                    wall, own = time.perf_counter(), time.process_time()
                    answer = browser.get(path)
                    html = answer.headers.get("Content-Type", "").startswith("text/html")
                    if not html and answer.streaming:
                        b"".join(answer.streaming_content)
                    took = 1000 * (time.process_time() - own)
                    firsts[route] = max(firsts[route], took)
                    if number > 1:  # the first answers read templates and make what is kept
                        walls.append(1000 * (time.perf_counter() - wall))
                        owns.append(took)
                found = (p95(walls), p95(owns), path)
                name = page if html else f"{page} (file)"
                slowest[name] = max(slowest.get(name, found), found, key=lambda each: each[1])
        print(f"{role or 'nobody'}: {sum(map(len, kinds.values()))} pages of {len(kinds)} kinds", flush=True)
    for name, (wall, own, path) in sorted(slowest.items(), key=lambda each: -each[1][1]):
        most = firsts[kind_of(path)[0]]
        print(f"{name:<64} p95 {wall:7.0f} ms   own time p95 {own:7.0f} ms, at most {most:7.0f}   {path}", flush=True)
    pages = {name: each for name, each in slowest.items() if not name.endswith("(file)")}
    told = {"kinds": len(pages), "slowest_p95_ms": round(max(each[0] for each in pages.values()))}
    told |= {"slowest_own_p95_ms": round(max(each[1] for each in pages.values())), "bar_ms": BAR}
    print(json.dumps(told | {"over": sorted(name for name, each in pages.items() if each[0] >= BAR)}))
    shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
