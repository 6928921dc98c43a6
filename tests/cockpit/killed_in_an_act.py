"""Ends a process with SIGKILL before each write of an act, one after the other, and looks at what is left; tells it as JSON.

python killed_in_an_act.py FOLDER      (FOLDER is made; records and lake lie below it)
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "scicity.cockpit.settings",
    "SCICITY_DISTRICT": str(ROOT / "district"),
    "SCICITY_STATE": str(ROOT / "state"),
}
sys.path.insert(0, str(Path(__file__).parent))

from scicity.domains.reviews.golden.small_reviews import SmallReviews  # noqa: E402
from scicity.domains.reviews.golden.test_process import SMALL  # noqa: E402

PROCESS = SMALL.replace('sc:act="submit"', 'sc:act="submit" sc:form="pledge"')
small = SmallReviews(ROOT, {"processes/p.bpmn": PROCESS})
small.load()

import django  # noqa: E402

django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.db import connection, connections  # noqa: E402

from scicity.cockpit import roles  # noqa: E402
from scicity.cockpit.models import AuditEntry, Person  # noqa: E402
from scicity.domains.reviews.models import Act, Case, Promise, Return, Seat, Visit  # noqa: E402
from scicity.domains.reviews.pages import acting, migrating  # noqa: E402
from scicity.notices.models import Notice  # noqa: E402
from scicity.records.models import Due  # noqa: E402

MOST = 200
WRITES = ("INSERT", "UPDATE", "DELETE")
PLEDGE = {"agreed": "yes", "energy": "75.5"}


def left() -> list[object]:
    """What the records hold, counted and told."""
    models = (Act, Visit, Seat, Return, Promise, Notice, AuditEntry)
    case = Case.objects.get()
    counts = [model.objects.count() for model in models]
    changed = sorted(Due.objects.values_list("table", "changed"))
    return [*counts, changed, case.case_state, case.state.text, case.state.acts]


def killed_before(number: int, deed: object) -> bool:
    """Does an act in a process of its own that is ended before its write of this number; False where it has fewer writes."""
    here, there = os.pipe()
    connections.close_all()
    child = os.fork()
    if not child:
        seen = 0

        def count(execute, sql, params, many, context):
            nonlocal seen
            if sql.lstrip().upper().startswith(WRITES):
                seen += 1
                if seen == number:
                    os.write(there, b"here")
                    signal.pause()  # until it is ended
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            deed()
        os.write(there, b"done")
        os._exit(0)
    os.close(there)
    told = os.read(here, 4)
    if told == b"here":
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(here)
    return told == b"here"


roles.prepare()
people = {}
for name, role in (("ann", "applicant"), ("rui", "reviewer"), ("eva", "expert"), ("kai", "authority")):
    people[name] = Person.objects.create(username=name, email=f"{name}@localhost")
    people[name].groups.add(Group.objects.get(name=role))
    people[name] = Person.objects.get(pk=people[name].pk)
desk = small.desk()
case = acting.open_case(desk, people["ann"], "p-1", "p", "甲公司")
acts = {
    "submit": lambda: acting.submit(desk, case, people["ann"], "apply", PLEDGE),
    "assign": lambda: acting.assign(desk, case, people["kai"], "look", [people["rui"]]),
    "opinion": lambda: acting.give_opinion(desk, case, people["rui"], "look", "agree", ""),
    "return": lambda: acting.decide(desk, case, people["kai"], "look", "returned", "no", returns=["mend"]),
}
found = {}
for name, deed in acts.items():
    kills = 0
    before = left()
    while kills < MOST and killed_before(kills + 1, deed):
        kills += 1
        assert left() == before, f"{name}: ended before write {kills}, and not all was undone"
        assert migrating.agrees(Case.objects.get())
    after = left()
    assert after != before and migrating.agrees(Case.objects.get()), name
    found[name] = kills
with connection.cursor() as cursor:
    cursor.execute("PRAGMA integrity_check")
    found["integrity"] = cursor.fetchone()[0]
print(json.dumps(found))
