"""Acts in a case: what follows from each, what is refused, who is told, and that the trail has all of it."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("reviewing", Path(__file__).with_name("reviewing.py"))
reviewing = sys.modules.setdefault("reviewing", importlib.util.module_from_spec(_spec))
if not hasattr(reviewing, "Reviewing"):
    _spec.loader.exec_module(reviewing)

from scicity.cockpit.models import AuditEntry  # noqa: E402
from scicity.domains.reviews import documents, reminders  # noqa: E402
from scicity.domains.reviews.models import Act, Appeal, Case, ProcessVersion, Promise, Return, Seat, Visit  # noqa: E402
from scicity.domains.reviews.pages import acting, appealing, migrating  # noqa: E402
from scicity.domains.reviews.pages.desk import NotDone  # noqa: E402
from scicity.notices.models import Notice  # noqa: E402
from scicity.records.publishing import publish  # noqa: E402

pytestmark = pytest.mark.django_db
PLEDGE = reviewing.PLEDGE


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return reviewing.Reviewing(tmp_path_factory.mktemp("reviews"))


@pytest.fixture
def here(made, city):
    from django.conf import settings

    from scicity.cockpit import city as cities

    cities.use(cities.OpenCity(made.small.city.district, made.small.city.figures, settings.PLACE))
    made.people()
    made.small.clock.__init__()
    yield made
    cities.use(city)


def opened(here, process="p", project="p-1"):
    return acting.open_case(here.desk, here.ann, project, process, "甲公司")


def reviewed(here, case, step="look", opinion="agree"):
    if not Seat.objects.filter(visit__case=case, visit__process_step=step, visit__left_at=None).exists():
        acting.assign(here.desk, case, here.kai, step, [here.rui, here.eva])
    for person in (here.rui, here.eva):
        acting.give_opinion(here.desk, case, person, step, opinion, "" if opinion == "agree" else "see the plan")


def passed(here, case, **more):
    return acting.decide(here.desk, case, here.kai, "look", "passed", "as the conditions ask", **more)


def fresh(case):
    return Case.objects.get(pk=case.pk)


def test_a_case_goes_from_application_through_return_to_passing(here):
    case = opened(here)
    assert case.review_case == "2026-00001" and case.supply_kind == "covenant" and case.building == "b1"
    here.small.clock.on(3)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    reviewed(here, case, opinion="agree_with_remarks")
    here.small.clock.on(4)
    acting.decide(here.desk, case, here.kai, "look", "returned", "the daylight is missing", returns=["Add the daylight study"])
    (left,) = Return.objects.all()
    with pytest.raises(NotDone, match="say how it was mended"):
        acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    here.small.clock.on(2)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE | {"energy": "70"}, {left.pk: "added, page 12"})
    with pytest.raises(NotDone, match="found 0 opinions; expected 2"):
        passed(here, case)
    reviewed(here, case)
    with pytest.raises(NotDone, match="open return"):
        passed(here, case)
    passed(here, case, accepted=[left.pk], conditions="meters before use")
    case = fresh(case)
    assert (case.case_state, case.closed_on) == ("passed", date(2026, 3, 11))
    assert [visit.outcome for visit in Visit.objects.filter(case=case)] == ["passed", "returned", "passed", "passed"]
    (promise,) = Promise.objects.all()
    assert (promise.promise_measure, promise.promise_value, promise.building) == ("energy_intensity", 70, "b1")
    assert migrating.agrees(case)
    made = [each.review_act for each in Act.objects.all()]
    assert made.count("opinion") == 4 and made[0] == "opened" and made[-1] == "decided"


def test_days_are_whose_turn_it_was_and_heal_into_the_table(here):
    case = opened(here)
    here.small.clock.on(3)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    here.small.clock.on(5)
    reviewed(here, case)
    passed(here, case)
    with here.small.city.lake.alone():
        publish(here.small.city.computing, everything=True)
        here.small.city.computing.bring_up_to_date()
    (row,) = here.small.city.figures.rows("reviews.clock", where={"review_case": case.review_case})
    assert (row["applicant_days"], row["authority_days"], row["elapsed_days"], row["in_time"]) == (3, 5, 8, True)
    (share,) = here.small.city.figures.rows("reviews.timeliness", where={"zone": "district"})
    assert share["in_time_share"] == 100
    (promise,) = here.small.city.figures.rows("reviews.promise")
    assert (promise["project"], promise["promise_value"], promise["symbol"]) == ("p-1", 75.5, "kWh/m²")
    acts = here.small.city.figures.rows("reviews.act", order=["act_number"])
    assert [act["review_act"] for act in acts] == ["opened", "submitted", "assigned", "opinion", "opinion", "decided"]
    assert not {"who", "words"} & set(acts[0])


def test_every_act_is_in_the_audit_trail(here):
    case = opened(here)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    told = [entry.subject.split()[0] for entry in AuditEntry.objects.filter(action="record-made")]
    assert told.count("reviews.Act") == 2 and {"reviews.Case", "reviews.Visit", "reviews.Promise"} <= set(told)
    with pytest.raises(ValueError, match="never changed"):
        Act.objects.first().save()
    with pytest.raises(ValueError, match="never deleted"):
        Act.objects.first().delete()


def test_those_whose_turn_it_is_are_told(here):
    case = opened(here)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    reviewed(here, case)
    acting.decide(here.desk, case, here.kai, "look", "refused", "not on this parcel")
    told = {(each.person.username, each.text_en.split("\n")[0].partition(": ")[2]) for each in Notice.objects.all()}
    assert ("rui", "your review is asked for: look") in told and ("eva", "your review is asked for: look") in told
    assert ("kai", "all opinions are given, to be decided") in told and ("ann", "decision: refused") in told
    assert not any(name == "bob" for name, _ in told)
    assert {each.about for each in Notice.objects.all()} == {f"/reviews/cases/{case.review_case}/"}


def test_nobody_does_what_is_not_theirs(here):
    case = opened(here)
    with pytest.raises(NotDone, match="only the applicant"):
        acting.submit(here.desk, case, here.bob, "apply", PLEDGE)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    for person in (here.ann, here.bob, here.rui, here.eva, here.max):
        with pytest.raises(NotDone, match="no right"):
            acting.assign(here.desk, case, person, "look", [here.rui])
        with pytest.raises(NotDone, match="no right"):
            acting.decide(here.desk, case, person, "look", "passed", "because")
    with pytest.raises(NotDone, match="no seat"):
        acting.give_opinion(here.desk, case, here.rui, "look", "agree", "")
    with pytest.raises(NotDone, match="the own case"):
        acting.assign(here.desk, case, here.kai, "look", [here.ann])
    acting.assign(here.desk, case, here.kai, "look", [here.rui, here.kai])
    for person in (here.rui, here.kai):
        acting.give_opinion(here.desk, case, person, "look", "agree", "")
    with pytest.raises(NotDone, match="who reviewed does not decide"):
        passed(here, case)
    acting.decide(here.desk, case, here.lin, "look", "passed", "as the conditions ask")
    assert Act.objects.filter(review_act="decided").count() == 1


def test_documents_are_for_those_of_the_case(here):
    case = opened(here)
    can = {name: documents.may_read(getattr(here, name), case.subject) for name in reviewing.WHO}
    assert can == {"ann": True, "bob": False, "rui": True, "eva": False, "kai": True, "lin": True, "max": True}
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    acting.assign(here.desk, case, here.kai, "look", [here.eva])
    assert documents.may_read(here.eva, case.subject) and not documents.may_write(here.eva, case.subject)
    assert documents.may_write(here.ann, case.subject) and not documents.may_write(here.bob, case.subject)
    for hostile in (
        "reviews.case:",
        "reviews.case:１",
        "reviews.case:-1",
        "other.case:1",
        "reviews.case:9999999999999999999",
        "",
    ):
        assert documents.may_read(here.kai, hostile) is False


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"agreed": "no"}, "missing: Agreed"),
        ({"energy": ""}, "missing: Energy"),
        ({"energy": "nan"}, "expected a number"),
        ({"energy": "1e400"}, "expected a number"),
        ({"energy": "low"}, "found 'low'; expected a number"),
        ({"stars": "9"}, "expected one of 1, 2, 3"),
        ({"day": "31/12/2026"}, "expected a day"),
    ],
)
def test_a_form_that_cannot_be_leaves_nothing(here, wrong, told):
    case = opened(here)
    with pytest.raises(NotDone, match=told) as refused:
        acting.submit(here.desk, case, here.ann, "apply", PLEDGE | wrong)
    assert refused.value.field == next(iter(wrong)) and refused.value.zh
    assert Act.objects.count() == 1 and not Promise.objects.exists() and migrating.agrees(fresh(case))


def test_what_is_missing_may_follow_but_nothing_passes_without_it(here):
    case = opened(here, process="g")
    acting.submit(here.desk, case, here.ann, "apply", {"agreed": "yes"})
    (gap,) = Return.objects.filter(kind="gap")
    assert gap.words == "能耗 · Energy"
    reviewed(here, case)
    with pytest.raises(NotDone, match="open gap"):
        passed(here, case)
    with pytest.raises(NotDone, match="what was not answered"):
        passed(here, case, accepted=[gap.pk])
    with pytest.raises(NotDone, match="no such open gap of yours"):
        acting.answer_gap(here.desk, case, here.bob, gap.pk, "75")
    acting.decide(here.desk, case, here.kai, "look", "returned", "the layout", returns=["Mend the layout"])
    left = Return.objects.get(kind="return")
    acting.submit(here.desk, case, here.ann, "apply", {"agreed": "yes"}, {left.pk: "mended"})
    assert Return.objects.filter(kind="gap").count() == 1  # still the same one
    acting.answer_gap(here.desk, case, here.ann, gap.pk, "75 kWh/m²")
    reviewed(here, case)
    passed(here, case, accepted=[gap.pk, left.pk])
    assert fresh(case).case_state == "passed" and migrating.agrees(fresh(case))


def test_a_gap_that_comes_with_the_form_waits_to_be_accepted(here):
    case = opened(here, process="g")
    acting.submit(here.desk, case, here.ann, "apply", {"agreed": "yes"})
    reviewed(here, case)
    acting.decide(here.desk, case, here.kai, "look", "returned", "the layout", returns=["Mend the layout"])
    left = Return.objects.get(kind="return")
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE, {left.pk: "mended"})
    gap = Return.objects.get(kind="gap")
    assert gap.answered_on is not None and gap.closed_on is None


def test_one_open_case_of_a_project_and_none_of_nothing(here):
    opened(here)
    with pytest.raises(NotDone, match="has an open case already"):
        opened(here)
    with pytest.raises(NotDone, match="expected one of the registers"):
        opened(here, project="nowhere")
    with pytest.raises(NotDone, match="expected one of the district's"):
        opened(here, process="../p", project="p-2")
    assert ProcessVersion.objects.count() == 1


def refused(here):
    case = opened(here)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    reviewed(here, case)
    acting.decide(here.desk, case, here.kai, "look", "refused", "not on this parcel")
    return fresh(case)


def test_an_appeal_is_decided_by_somebody_else_and_opens_the_step_again(here):
    case = refused(here)
    assert case.case_state == "refused"
    with pytest.raises(NotDone, match="only the applicant appeals"):
        appealing.appeal(here.desk, case, here.bob, "no")
    appealing.appeal(here.desk, case, here.ann, "the parcel was mistaken for another")
    with pytest.raises(NotDone, match="appealed already"):
        appealing.appeal(here.desk, case, here.ann, "again")
    with pytest.raises(NotDone, match="who decided does not decide"):
        appealing.decide_appeal(here.desk, case, here.kai, "upheld", "right")
    appealing.decide_appeal(here.desk, case, here.lin, "upheld", "right")
    case = fresh(case)
    assert case.case_state == "open" and case.closed_on is None and migrating.agrees(case)
    reviewed(here, case)
    passed(here, case)
    assert fresh(case).case_state == "passed" and migrating.agrees(fresh(case))


def test_a_dismissed_appeal_changes_nothing_and_one_too_late_is_refused(here):
    case = refused(here)
    here.small.clock.on(61)
    with pytest.raises(NotDone, match="older than 60 days"):
        appealing.appeal(here.desk, case, here.ann, "late")
    here.small.clock.on(-10)
    appealing.appeal(here.desk, case, here.ann, "in time")
    appealing.decide_appeal(here.desk, case, here.lin, "dismissed", "no reason")
    assert fresh(case).case_state == "refused" and Appeal.objects.get().outcome == "dismissed" and migrating.agrees(fresh(case))


def test_an_application_is_withdrawn_by_its_applicant_and_then_rests(here):
    case = opened(here)
    with pytest.raises(NotDone, match="only the applicant"):
        acting.withdraw(here.desk, case, here.bob, "")
    acting.withdraw(here.desk, case, here.ann, "another parcel")
    case = fresh(case)
    assert case.case_state == "withdrawn" and not Visit.objects.filter(left_at=None).exists()
    with pytest.raises(NotDone, match="is not open"):
        acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    opened(here)


def test_a_decision_is_public_when_the_authority_publishes_it(here):
    case = refused(here)
    with pytest.raises(NotDone, match="no right"):
        acting.publish(here.desk, case, here.ann)
    acting.publish(here.desk, case, here.kai)
    assert fresh(case).published


def version_two(here, text):
    here.small.write("processes/p.bpmn", text)


def test_a_running_case_stays_with_its_version_until_it_is_moved(here):
    text = reviewing.PROCESSES["processes/p.bpmn"]
    case = opened(here)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    acting.assign(here.desk, case, here.kai, "look", [here.rui, here.eva])
    try:
        version_two(
            here,
            text.replace('"look"', '"examine"').replace("apply-look", "apply-examine").replace("look-gate", "examine-gate"),
        )
        assert acting.process_of(fresh(case)).nodes.keys() >= {"look"}
        with pytest.raises(NotDone, match="found no step 'look'"):
            migrating.migrate(here.desk, case, here.kai, "p", {})
        with pytest.raises(NotDone, match="expected the scheme, review of look"):
            migrating.migrate(here.desk, case, here.kai, "p", {"look": "apply"})
        migrating.migrate(here.desk, case, here.kai, "p", {"look": "examine"})
        case = fresh(case)
        assert (case.process_version, migrating.agrees(case)) == (2, True)
        with pytest.raises(NotDone, match="in version 2 of p already"):
            migrating.migrate(here.desk, case, here.kai, "p", {})
        reviewed(here, case, "examine")
        acting.decide(here.desk, case, here.kai, "examine", "passed", "fine")
        assert fresh(case).case_state == "passed" and migrating.agrees(fresh(case))
    finally:
        version_two(here, text)


def test_a_case_that_the_new_process_would_have_asked_more_of_is_not_moved(here):
    case = opened(here)
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    before = (case.version_id, Act.objects.count())
    with pytest.raises(NotDone, match="found look-scheme open; the new process expects look-scheme, apply-drawings"):
        migrating.migrate(here.desk, case, here.kai, "q", {"apply": "apply-scheme", "look": "look-scheme"})
    assert (fresh(case).version_id, Act.objects.count()) == before and migrating.agrees(fresh(case))
    with pytest.raises(NotDone, match="no right"):
        migrating.migrate(here.desk, case, here.ann, "q", {})


def test_whose_turn_it_is_is_reminded_before_the_day(here):
    case = opened(here)
    (visit,) = Visit.objects.filter(case=case, left_at=None)
    visit.due_on = date(2026, 3, 12)
    visit.save()

    def due(first: int, last: int) -> list[tuple[set[str], str]]:
        found = reminders.due(None, date(2026, 3, first), date(2026, 3, last))
        return [({person.username for person in each.people}, each.once) for each in found]

    assert due(9, 11) == [] and due(13, 16) == []  # not yet; and a day that is over is told by the page
    assert due(9, 12) == [({"ann"}, f"reviews.visit:{visit.pk}:2026-03-12")]
    acting.submit(here.desk, case, here.ann, "apply", PLEDGE)
    acting.assign(here.desk, case, here.kai, "look", [here.rui, here.eva])
    acting.give_opinion(here.desk, case, here.rui, "look", "agree", "")
    (visit,) = Visit.objects.filter(case=case, left_at=None)
    visit.due_on = date(2026, 3, 12)
    visit.save()
    (told,) = due(12, 12)
    assert told[0] == {"kai", "lin", "eva"}  # who decides, and whose opinion is not there
    (each,) = reminders.due(None, date(2026, 3, 12), date(2026, 3, 12))
    assert each.about == "/reviews/cases/2026-00001/" and "2026年3月12日" in each.text_zh and "2026-03-12" in each.text_en
    acting.withdraw(here.desk, case, here.ann, "not built")
    assert due(12, 12) == []
