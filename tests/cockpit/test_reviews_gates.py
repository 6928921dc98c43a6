"""The gates, over random orders of acts: whatever is tried, what must never happen does not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

_spec = importlib.util.spec_from_file_location("reviewing", Path(__file__).with_name("reviewing.py"))
reviewing = sys.modules.setdefault("reviewing", importlib.util.module_from_spec(_spec))
if not hasattr(reviewing, "Reviewing"):
    _spec.loader.exec_module(reviewing)

from django.db import transaction  # noqa: E402

from scicity.domains.reviews.methods import clock  # noqa: E402
from scicity.domains.reviews.models import OPINIONS, Act, Appeal, Case, Return, Seat, Visit  # noqa: E402
from scicity.domains.reviews.pages import acting, appealing, migrating  # noqa: E402
from scicity.domains.reviews.pages.desk import NotDone  # noqa: E402

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PEOPLE = st.sampled_from(sorted(reviewing.WHO))
STEPS = st.sampled_from(
    ["apply", "look", *(f"{act}-{stage}" for act in ("apply", "look") for stage in ("scheme", "drawings", "completion"))]
)
OUTCOMES = st.sampled_from(["passed", "passed", "returned", "refused", "maybe"])


class Gates(RuleBasedStateMachine):
    """People who try anything in one case, in any order, over days that pass; now and then the file of the process changes."""

    made = None

    @initialize(process=st.sampled_from(["p", "q"]))
    def begin(self, process):
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.made.small.clock.__init__()
        self.made.people()
        self.desk = self.made.desk
        self.case = acting.open_case(self.desk, self.made.ann, "p-1", process, "甲公司")
        self.process, self.tried, self.done = process, 0, 0

    def teardown(self):
        if hasattr(self, "outer"):
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    def trying(self, deed, *args, **kwargs):
        """An act: done whole, or refused with nothing left."""
        before = self.told()
        self.tried += 1
        try:
            deed(self.desk, self.case, *args, **kwargs)
            self.done += 1
        except NotDone as refusal:
            assert refusal.zh and refusal.en
            assert self.told() == before
        self.case = Case.objects.get(pk=self.case.pk)

    def told(self):
        models = (Act, Visit, Seat, Return, Appeal)
        counts = tuple(model.objects.filter(case=self.case).count() for model in models)
        return counts, Case.objects.get(pk=self.case.pk).state.text, Return.objects.filter(closed_on=None).count()

    def who(self, name):
        return getattr(self.made, name)

    @rule(days=st.integers(0, 9))
    def days_pass(self, days):
        self.made.small.clock.on(days)

    @rule(data=st.data(), name=st.sampled_from(["ann", "ann", "ann", "bob", "kai"]), answered=st.booleans())
    def submits(self, data, name, answered):
        step = self.step(data, "submit")
        answers = {each.pk: "mended" for each in Return.objects.filter(case=self.case)} if answered else {}
        self.trying(acting.submit, self.who(name), step, reviewing.PLEDGE, answers)

    @rule(data=st.data(), name=st.sampled_from(["kai", "kai", "ann"]), seats=st.lists(PEOPLE, max_size=3))
    def assigns(self, data, name, seats):
        self.trying(acting.assign, self.who(name), self.step(data, "review"), [self.who(each) for each in seats])

    @rule(data=st.data(), name=PEOPLE, opinion=st.sampled_from([*OPINIONS, "whatever"]))
    def gives_an_opinion(self, data, name, opinion):
        self.trying(acting.give_opinion, self.who(name), self.step(data, "review"), opinion, "words")

    @rule(data=st.data())
    def all_give_their_opinions(self, data):
        step = self.step(data, "review")
        self.trying(acting.assign, self.made.kai, step, [self.made.rui, self.made.eva])
        for seat in Seat.objects.filter(case=self.case, visit__left_at=None, opinion="", visit__process_step=step):
            self.trying(acting.give_opinion, seat.person, step, "agree", "")

    @rule(
        data=st.data(),
        name=st.sampled_from(["kai", "lin", "lin", "rui", "ann"]),
        outcome=OUTCOMES,
        more=st.booleans(),
        accept=st.booleans(),
    )
    def decides(self, data, name, outcome, more, accept):
        step = self.step(data, "review")
        open_before = Return.objects.filter(case=self.case, stage=self.stage(step), kind="return", closed_on=None)
        accepted = list(open_before.values_list("pk", flat=True)) if accept else []
        returns = ["mend this"] if more else []
        self.trying(acting.decide, self.who(name), step, outcome, "reasons", returns=returns, accepted=accepted)

    @rule(name=st.sampled_from(["ann", "bob"]))
    def appeals(self, name):
        self.trying(appealing.appeal, self.who(name), "unjust")

    @rule(name=st.sampled_from(["kai", "lin", "ann"]), outcome=st.sampled_from(["upheld", "dismissed"]))
    def decides_of_the_appeal(self, name, outcome):
        self.trying(appealing.decide_appeal, self.who(name), outcome, "reasons")

    @rule(name=st.sampled_from(["kai", "ann"]))
    def moves_it_to_another_version(self, name):
        place = f"processes/{self.process}.bpmn"
        file = self.made.small.folder / place
        self.made.small.write(place, file.read_text(encoding="utf-8") + "\n")
        self.trying(migrating.migrate, self.who(name), self.process, {})

    def step(self, data, kind):
        """A step, most often one that is open."""
        waiting = [visit.process_step for visit in Visit.objects.filter(case=self.case, left_at=None)]
        nodes = acting.process_of(self.case).nodes
        likely = [step for step in waiting if nodes[step].act == kind]
        return data.draw(st.sampled_from(likely) if likely and data.draw(st.integers(0, 4)) else STEPS)

    def stage(self, step):
        node = acting.process_of(self.case).nodes.get(step)
        return node.stage if node else ""

    @invariant()
    def the_state_is_what_the_acts_lead_to(self):
        if hasattr(self, "case"):
            assert migrating.agrees(self.case)
            assert (self.case.case_state == "open") == Visit.objects.filter(case=self.case, left_at=None).exists()

    @invariant()
    def nothing_passed_with_an_open_return(self):
        if not hasattr(self, "case"):
            return
        for act in Act.objects.filter(case=self.case, review_act="decided", outcome="passed"):
            for each in Return.objects.filter(
                case=self.case, stage=act.stage, kind="return", visit__visit__lte=act.visit.visit
            ):
                assert each.closed_on is not None and each.closed_on <= act.acted_on
        if self.case.case_state == "passed":
            assert not Return.objects.filter(case=self.case, closed_on=None).exists()

    @invariant()
    def nothing_was_decided_without_its_reviewers(self):
        if not hasattr(self, "case"):
            return
        for act in Act.objects.filter(case=self.case, review_act="decided"):
            seats = Seat.objects.filter(visit=act.visit)
            assert seats.exists() and not seats.filter(opinion="").exists()
            assert not seats.filter(given_at__gt=act.acted_at).exists()
            assert act.who_id not in {self.case.applicant_id, *seats.values_list("person_id", flat=True)}
            assert act.who.has_perm("reviews.change_case")
        for seat in Seat.objects.filter(case=self.case):
            assert seat.person_id != self.case.applicant_id

    @invariant()
    def the_clocks_add_up_to_the_days_that_passed(self):
        if not hasattr(self, "case"):
            return
        visits = list(Visit.objects.filter(case=self.case))
        today = self.desk.today(self.made.small.clock())
        told = [clock.Visit(visit.party, visit.entered_on, visit.left_on or today) for visit in visits]
        found = clock.counted(told)
        assert found.authority + found.applicant == found.elapsed
        if not Act.objects.filter(case=self.case, review_act="reopened").exists():
            assert found.elapsed == ((self.case.closed_on or today) - self.case.opened_on).days

    @invariant()
    def an_appeal_was_decided_by_somebody_else(self):
        if hasattr(self, "case"):
            for act in Act.objects.filter(case=self.case, review_act="appeal_decided"):
                against = Appeal.objects.filter(case=self.case, against__visit=act.visit).latest("pk").against
                assert act.who_id != against.who_id


class TestGates(TransactionTestCase):
    """Runs the machine, each case in a transaction that is rolled back."""

    def test_whatever_is_tried(self):
        import tempfile

        from scicity.cockpit import city as cities

        served = cities.open_city()
        with tempfile.TemporaryDirectory() as root:
            Gates.made = reviewing.Reviewing(Path(root))
            checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
            rules = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=checks)
            run_state_machine_as_test(Gates, settings=rules)
        cities.use(served)
