"""People and cases over a little district, for the tests of the reviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import Person
from scicity.domains.reviews.golden.small_reviews import SmallReviews
from scicity.domains.reviews.golden.test_process import BESIDE, SMALL

PROCESSES = {
    "processes/p.bpmn": SMALL.replace('sc:act="submit"', 'sc:act="submit" sc:form="pledge"'),
    "processes/g.bpmn": SMALL.replace('id="p"', 'id="g"', 1)
    .replace('sc:act="submit"', 'sc:act="submit" sc:form="pledge" sc:gaps="allow"')
    .replace('sc:act="review"', 'sc:act="review" sc:gaps="close"'),
    "processes/q.bpmn": BESIDE.replace('id="p"', 'id="q"', 1),
}
PLEDGE = {"agreed": "yes", "energy": "75.5"}
WHO = {
    "ann": "applicant",
    "bob": "applicant",
    "rui": "reviewer",
    "eva": "expert",
    "kai": "authority",
    "lin": "authority",
    "max": "leader",
}


class Reviewing:
    """The district served, its desk, and somebody of each role."""

    def __init__(self, root: Path, **more: Any) -> None:
        self.small = SmallReviews(root, PROCESSES, **more)
        self.small.load()
        cities.use(cities.OpenCity(self.small.city.district, self.small.city.figures, settings.PLACE))

    def people(self) -> None:
        """Makes the people, within a test's transaction."""
        roles.prepare()
        for name, role in WHO.items():
            person = Person.objects.create(username=name, email=f"{name}@localhost")
            person.groups.add(Group.objects.get(name=role))
            setattr(self, name, Person.objects.get(pk=person.pk))
        self.desk = self.small.desk()
