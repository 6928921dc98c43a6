"""Whether a process can run as it is drawn: every way through it is tried before anybody's case depends on it.

The ways are those of a token game on the flows, where a place with two tokens is a fault: each open step may end with each of
its outcomes, for each kind of land supply.

Source: OMG, BPMN 2.0.2, formal/2013-12-09, clause 13; soundness as in van der Aalst, The Application of Petri Nets to Workflow
Management, 1998.
"""

from __future__ import annotations

from collections.abc import Iterator

from scicity.domains.reviews import conditions
from scicity.domains.reviews.bpmn import Flow, Node, Process
from scicity.domains.reviews.conditions import SUPPLIES
from scicity.kernel.problems import Problems

MOST_MARKINGS = 20_000
MOST_WAYS = 3_000  # ways through the diagram that visit no node twice: the engine looks ahead along all of them
OUTCOMES = {"submit": ("passed",), "accept": ("passed", "returned", "refused"), "review": ("passed", "returned", "refused")}

Marking = frozenset[str]  # the flows that hold a token


class Unsound(ValueError):  # noqa: N818  (reads as what it is)
    """A way that leads nowhere: the node where it does, and what is the matter."""

    def __init__(self, node: str, found: str, expected: str) -> None:
        super().__init__(f"{node}: found {found}; expected {expected}")
        self.node, self.found, self.expected = node, found, expected


def outcomes(node: Node) -> tuple[str, ...]:
    """How a step can end."""
    return OUTCOMES[node.act]


def check(process: Process, place: str, problems: Problems) -> None:
    """Adds a problem for each fault of the drawing, and where it has none for the first way that leads nowhere."""
    before = len(problems)
    for node, line, found, expected in _faults(process):
        problems.add("process", place, line, node, found=found, expected=expected)
    if len(problems) > before:
        return
    try:
        if _ways(process) > MOST_WAYS:
            raise Unsound(process.process, f"more than {MOST_WAYS} ways through it", "fewer gateways one behind the other")
        for supply in SUPPLIES:
            _explore(process, supply)
    except Unsound as error:
        where = process.nodes[error.node].line if error.node in process.nodes else None
        problems.add("process", place, where, error.node, found=error.found, expected=error.expected)


def _faults(process: Process) -> Iterator[tuple[str, int, str, str]]:
    nodes = process.nodes
    for flow in process.flows.values():
        for end in (flow.source, flow.target):
            if end not in nodes:
                yield flow.flow, flow.line, f"an end {end!r}", "flows between events, steps and gateways of the process"
    starts = [node for node in nodes.values() if node.kind == "startEvent"]
    if len(starts) != 1:
        yield process.process, 1, f"{len(starts)} start events", "one"
    for kind, word in (("endEvent", "end event"), ("userTask", "user task")):
        if not any(node.kind == kind for node in nodes.values()):
            yield process.process, 1, f"no {word}", "one at least"
    for node in nodes.values():
        yield from _faults_of(process, node)
        if node.gaps == "allow" and _reaches_end(process, node.node):
            yield node.node, node.line, "gaps that nothing closes before the end", "a step with sc:gaps=close on each way to it"


def _reaches_end(process: Process, start: str) -> bool:
    """Whether an end event that does not terminate is reached without passing a step that closes gaps."""
    seen, waiting = {start}, [start]
    while waiting:
        node = process.nodes.get(waiting.pop())
        if node is None or node.gaps == "close":
            continue
        if node.kind == "endEvent" and not node.terminates:
            return True
        fresh = {flow.target for flow in process.out(node.node)} - seen
        seen |= fresh
        waiting += fresh
    return False


def _faults_of(process: Process, node: Node) -> Iterator[tuple[str, int, str, str]]:
    into, out = process.into(node.node), process.out(node.node)
    at = (node.node, node.line)
    if node.kind == "startEvent" and (into or len(out) != 1):
        yield *at, f"{len(into)} flows in and {len(out)} out", "a start event with one flow out"
    elif node.kind == "endEvent" and (out or not into):
        yield *at, f"{len(into)} flows in and {len(out)} out", "an end event with flows in alone"
    elif node.kind not in ("startEvent", "endEvent") and not (into and out):
        yield *at, f"{len(into)} flows in and {len(out)} out", "at least one of each"
    if node.kind == "userTask" and len(out) > 1:
        yield *at, f"{len(out)} flows out", "one; a gateway parts the ways"
    if node.kind != "exclusiveGateway" and any(flow.condition for flow in out):
        yield *at, "a condition", "conditions on the flows of an exclusive gateway alone"
    if node.kind == "exclusiveGateway":
        yield from _faults_of_gateway(process, node, into, out)
    if node.kind == "userTask" and len(outcomes(node)) > 1 and len(out) == 1:
        behind = process.nodes.get(out[0].target)
        if behind is None or behind.kind != "exclusiveGateway":
            yield (
                *at,
                f"<{behind.kind if behind else ''}> behind it",
                "an exclusive gateway that parts passed, returned and refused",
            )


def _faults_of_gateway(process: Process, node: Node, into: list[Flow], out: list[Flow]) -> Iterator[tuple[str, int, str, str]]:
    at = (node.node, node.line)
    if len(out) > 1 and any(not flow.condition and flow.flow != node.default for flow in out):
        yield *at, "a flow without a condition", "a condition on each flow out but the default"
    if len(out) == 1 and out[0].condition:
        yield *at, "a condition on the only flow out", "none"
    asked = set().union(*(conditions.names_of(flow.condition) for flow in out if flow.condition)) if out else set()
    if "outcome" in asked:
        before = [process.nodes[flow.source] for flow in into if flow.source in process.nodes]
        if len(before) != 1 or before[0].kind != "userTask":
            yield *at, "a question for the outcome", "it directly behind the one step whose outcome is meant"


def _ways(process: Process) -> int:
    """How many ways there are from the start that visit no node twice, counted up to one above the limit."""
    after = {node: [flow.target for flow in process.out(node)] for node in process.nodes}
    start = next(node.node for node in process.nodes.values() if node.kind == "startEvent")
    found, waiting = 0, [(start, frozenset((start,)))]
    while waiting and found <= MOST_WAYS:
        node, seen = waiting.pop()
        fresh = [target for target in after[node] if target not in seen]
        found += len(fresh) < max(len(after[node]), 1)
        waiting += [(target, seen | {target}) for target in fresh]
    return found


def _explore(process: Process, supply: str) -> None:
    """Tries every way. Raises Unsound at the first that leads nowhere, or past an open return."""
    first = begin(process, supply)
    seen, waiting = {first}, [first]
    visited: set[str] = set()
    while waiting:
        marking = waiting.pop()
        steps = open_steps(process, marking)
        if marking and not steps:
            stuck = process.flows[sorted(marking)[0]].target
            raise Unsound(stuck, "a gateway that waits for what never comes", "parallel ways that all arrive")
        for step in steps:
            visited.add(step)
            for outcome in outcomes(process.nodes[step]):
                after = complete(process, marking, step, outcome, supply)
                _check_outcome(process, marking, after, process.nodes[step], outcome)
                if after not in seen:
                    if len(seen) >= MOST_MARKINGS:
                        raise Unsound(process.process, f"more than {MOST_MARKINGS} states", "fewer steps side by side")
                    seen.add(after)
                    waiting.append(after)
    if frozenset() not in seen:
        raise Unsound(process.process, "no way that ends", "an end event that can be reached")
    _check_ends(process, supply, seen)
    if supply == SUPPLIES[-1]:
        never = [node.node for node in process.steps if node.node not in visited and not _asks_for_supply(process)]
        if never:
            raise Unsound(never[0], "a step that no way leads to", "steps that can be reached")


def _asks_for_supply(process: Process) -> bool:
    return any("supply_kind" in conditions.names_of(flow.condition) for flow in process.flows.values() if flow.condition)


def _check_ends(process: Process, supply: str, markings: set[Marking]) -> None:
    """From every state there is a way to the end."""
    before: dict[Marking, set[Marking]] = {}
    for marking in markings:
        for step in open_steps(process, marking):
            for outcome in outcomes(process.nodes[step]):
                before.setdefault(complete(process, marking, step, outcome, supply), set()).add(marking)
    reach: set[Marking] = {frozenset()}
    waiting: list[Marking] = [frozenset()]
    while waiting:
        fresh = before.get(waiting.pop(), set()) - reach
        reach |= fresh
        waiting += fresh
    lost = markings - reach
    if lost:
        stuck = open_steps(process, min(lost, key=sorted))
        raise Unsound(stuck[0] if stuck else process.process, "a step behind which no way ends", "a way to an end event")


def _check_outcome(process: Process, before: Marking, after: Marking, node: Node, outcome: str) -> None:
    """What is returned goes to the applicant within the same stage; what is refused ends; what passed does neither."""
    fresh = [process.nodes[process.flows[flow].target] for flow in after - before]
    if outcome == "returned":
        applicants = [each for each in fresh if each.act == "submit" and each.stage == node.stage]
        if len(fresh) != 1 or not applicants:
            found = "a return that leads to " + (", ".join(each.node for each in fresh) or "an end")
            raise Unsound(node.node, found, f"one step `submit` of the stage {node.stage}")
    elif outcome == "refused" and after:
        raise Unsound(node.node, "a refusal behind which steps stay open", "an end event that terminates")


def begin(process: Process, supply: str) -> Marking:
    """The marking at the beginning. Raises Unsound."""
    start = next(node.node for node in process.nodes.values() if node.kind == "startEvent")
    return _settled(process, frozenset(flow.flow for flow in process.out(start)), "", supply)


def open_steps(process: Process, marking: Marking) -> list[str]:
    """The steps with a token, in the order of the file."""
    targets = {process.flows[flow].target for flow in marking}
    return [node.node for node in process.steps if node.node in targets]


def complete(process: Process, marking: Marking, step: str, outcome: str, supply: str) -> Marking:
    """The marking after an open step ended. Raises Unsound, also for a step that is not open."""
    held = [flow.flow for flow in process.into(step) if flow.flow in marking]
    if not held:
        raise Unsound(step, "a step that is not open", "one of " + ", ".join(open_steps(process, marking)))
    return _settled(process, _put(process, marking - {held[0]}, process.out(step)), outcome, supply)


def _put(process: Process, marking: Marking, flows: list[Flow]) -> Marking:
    for flow in flows:
        if flow.flow in marking or any(other.flow in marking for other in process.into(flow.target) if _is_step(process, flow)):
            raise Unsound(flow.target, "a second token where one is already", "parallel ways that join before they meet")
    return marking | {flow.flow for flow in flows}


def _is_step(process: Process, flow: Flow) -> bool:
    return process.nodes[flow.target].kind == "userTask"


def _settled(process: Process, marking: Marking, outcome: str, supply: str) -> Marking:
    """The marking behind all gateways and ends that can go on by themselves."""
    values = {"supply_kind": supply} | ({"outcome": outcome} if outcome else {})
    for _ in range(10 * len(process.flows) + 10):
        moved = False
        for key in sorted(marking):
            node = process.nodes[process.flows[key].target]
            if node.kind == "endEvent":
                marking = frozenset() if node.terminates else marking - {key}
                moved = True
            elif node.kind == "exclusiveGateway":
                marking = _put(process, marking - {key}, [_chosen(process, node, values)])
                moved = True
            elif node.kind == "parallelGateway":
                into = {flow.flow for flow in process.into(node.node)}
                if into <= marking:
                    marking = _put(process, marking - into, process.out(node.node))
                    moved = True
            if moved:
                break
        if not moved:
            return marking
    raise Unsound(process.process, "gateways that go round without a step", "a step in every circle")


def _chosen(process: Process, node: Node, values: dict[str, str]) -> Flow:
    out = process.out(node.node)
    if len(out) == 1:
        return out[0]
    try:
        held = [flow for flow in out if flow.condition and conditions.holds(flow.condition, values)]
    except ValueError as error:
        raise Unsound(node.node, str(error), "conditions whose names have a value") from None
    if len(held) > 1:
        raise Unsound(node.node, f"{len(held)} conditions that hold for {values}", "one")
    if not held:
        held = [flow for flow in out if flow.flow == node.default]
    if not held:
        raise Unsound(node.node, f"no condition that holds for {values}", "one, or a default")
    return held[0]
