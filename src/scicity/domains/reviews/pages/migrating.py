"""A running case moved to another version of its process, by an explicit map of steps; and what the acts of a case lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scicity.domains.reviews.bpmn import Process
from scicity.domains.reviews.methods.running import Did, NotOpen, Running, replayed
from scicity.domains.reviews.models import Act, Case, CaseState, Visit
from scicity.domains.reviews.pages import telling
from scicity.domains.reviews.pages.acting import acted_in, may_decide, process_of, whole
from scicity.domains.reviews.pages.desk import Desk, NotDone, version_of


def history(case: Case) -> list[Did]:
    """How the steps of a case ended, in order, by their names in its version now; what an appeal undid is left out."""
    found: dict[int, tuple[str, str]] = {}
    for act in Act.objects.filter(case=case).order_by("act_number"):
        if act.review_act in ("submitted", "decided"):
            found[act.act_number] = (act.process_step, act.outcome)
        elif act.review_act == "reopened":
            found.pop(act.told["act"], None)
        elif act.review_act == "migrated":
            found = {number: (act.told["steps"].get(step, step), outcome) for number, (step, outcome) in found.items()}
    return [Did(step, outcome) for step, outcome in found.values()]


def agrees(case: Case) -> bool:
    """Whether the state that is kept of a case, the visits that are open and its acts tell the same."""
    process = process_of(case)
    kept, again = Running.load(process, case.state.text), replayed(process, case.supply_kind, history(case))
    visits = {visit.process_step for visit in Visit.objects.filter(case=case, left_at=None)}
    told = set(kept.open_steps) == set(again.open_steps)
    return (
        told
        and (case.case_state == "withdrawn" or visits == set(kept.open_steps))
        and (case.state.acts == Act.objects.filter(case=case).count())
    )


@whole
def migrate(desk: Desk, case: Case, person: Any, process: str, steps: Mapping[str, str]) -> Act:
    """Moves an open case to the district's present version of a process; `steps` says what each step is called there.

    Steps of the same name need no entry. Raises NotDone, naming the step, where one has no counterpart of the same stage and
    kind, and where the new process would have asked for something else first: nothing is moved then.
    """
    may_decide(case, person)
    told = desk.processes().get(process)
    if told is None:
        raise NotDone(f"没有流程 {process}", f"found process {process!r}; expected one of the district's", "process")
    old, new = process_of(case), told[0]
    past = history(case)
    waiting = list(Visit.objects.filter(case=case, left_at=None))
    needed = dict.fromkeys([*(did.step for did in past), *(visit.process_step for visit in waiting)])
    mapped = {step: _counterpart(old, new, step, steps.get(step, "") or step) for step in needed}
    at = desk.now()
    version = version_of(process, told[1], at)
    if version.pk == case.version_id:
        raise NotDone("案件已在此版本", f"the case is in version {version.version} of {process} already", "process")
    try:
        engine = replayed(new, case.supply_kind, past, mapped)
    except NotOpen as error:
        wanted = ", ".join(error.open_steps) or "none"
        zh = f"新流程中，步骤 {error.step} 之前须先办理：{wanted}；无法迁移"
        raise NotDone(
            zh, f"found {error.step} done; the new process expects {wanted} at that place: not moved", "steps"
        ) from None
    expected = {mapped[visit.process_step] for visit in waiting}
    if set(engine.open_steps) != expected:
        found, asked = ", ".join(sorted(expected)), ", ".join(engine.open_steps) or "none"
        raise NotDone(
            f"新流程此时应办理 {asked}，而非 {found}；无法迁移", f"found {found} open; the new process expects {asked}", "steps"
        )
    before = case.version
    case.version = version
    case.save()
    acted = acted_in(
        desk,
        case,
        person,
        at,
        "migrated",
        "authority",
        told={"from": [before.process, before.version], "to": [version.process, version.version], "steps": mapped},
    )
    for visit in waiting:
        visit.process_step = mapped[visit.process_step]
        visit.save()
    CaseState.objects.filter(case=case).update(text=engine.dump())
    telling.moved(case, [], acted)
    return acted


def _counterpart(old: Process, new: Process, step: str, name: str) -> str:
    before, after = old.nodes.get(step), new.nodes.get(name)
    if after is None or after.kind != "userTask":
        raise NotDone(
            f"新流程没有步骤 {name}；请指明 {step} 的对应步骤", f"found no step {name!r}; expected what {step} is called", step
        )
    if before is not None and (before.stage, before.act) != (after.stage, after.act):
        en = f"found {name}: {after.stage}, {after.act}; expected the {before.stage}, {before.act} of {step}"
        raise NotDone(f"步骤 {name} 与 {step} 的阶段或类型不同", en, step)
    return name
