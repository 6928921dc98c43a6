"""Process files: BPMN 2.0 diagrams of a district, read as data. What could run code, or is not run, is refused by name.

A step is a user task with attributes of our own namespace (any BPMN editor keeps them):

    <bpmn:userTask id="review" name="初步设计评审" sc:name-en="Preliminary design: review"
        sc:stage="preliminary" sc:act="review" sc:days="15" sc:reviewers="2"/>

`act`: `submit` (the applicant's, with `form`), `accept` (the authority looks through and receives) or `review` (reviewers give
their opinions, and the authority decides). `days`: what the step's party has for it. `gaps`: `allow` takes in what is not
complete, `close` passes nothing while such a gap is open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

from scicity.domains.reviews import conditions, markup
from scicity.domains.reviews.markup import BadMarkup, Element
from scicity.kernel.problems import Problems

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DRAWN = "http://www.omg.org/spec/BPMN/20100524/DI"
CORNERS = "http://www.omg.org/spec/DD/20100524/DC"
LINES = "http://www.omg.org/spec/DD/20100524/DI"
OWN = "urn:scicity:review"

NODES = ("startEvent", "endEvent", "userTask", "exclusiveGateway", "parallelGateway")
# What may stand in a file beside these, and changes nothing in how it runs.
AROUND = (
    *("definitions", "process", "sequenceFlow", "conditionExpression", "incoming", "outgoing", "documentation"),
    *("terminateEventDefinition", "laneSet", "lane", "flowNodeRef", "collaboration", "participant"),
    *("textAnnotation", "text", "association"),
)
ACTS = {"submit": "applicant", "accept": "authority", "review": "authority"}
STAGES = ("scheme", "preliminary", "drawings", "permit", "construction", "completion", "operation")
GAPS = ("", "allow", "close")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,59}")
FORM = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
MOST_NODES = 80
MOST_REVIEWERS = 20
LONGEST_DAYS = 999


@dataclass(frozen=True)
class Node:
    """One event, step or gateway."""

    node: str
    kind: str
    name_zh: str
    name_en: str
    line: int
    stage: str = ""
    act: str = ""
    days: int = 0
    reviewers: int = 0
    form: str = ""
    gaps: str = ""
    terminates: bool = False
    default: str = ""

    @property
    def party(self) -> str:
        """Whose turn it is while the step is open: `applicant` or `authority`."""
        return ACTS.get(self.act, "")


@dataclass(frozen=True)
class Flow:
    """One sequence flow."""

    flow: str
    source: str
    target: str
    condition: str
    line: int
    name_zh: str = ""
    name_en: str = ""


@dataclass(frozen=True)
class Process:
    """One process as its file draws it."""

    process: str
    name_zh: str
    name_en: str
    nodes: dict[str, Node]
    flows: dict[str, Flow]
    shapes: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    edges: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    lanes: dict[str, str] = field(default_factory=dict)  # names of lanes, pools and remarks, by their id

    @property
    def steps(self) -> list[Node]:
        """The steps, in the order of the file."""
        return [node for node in self.nodes.values() if node.kind == "userTask"]

    def out(self, node: str) -> list[Flow]:
        """The flows that leave a node."""
        return [flow for flow in self.flows.values() if flow.source == node]

    def into(self, node: str) -> list[Flow]:
        """The flows that come to a node."""
        return [flow for flow in self.flows.values() if flow.target == node]


@lru_cache(maxsize=64)
def known(text: str) -> Process:
    """The process of a text that was checked before. Raises ValueError with its first problem where it was not."""
    problems = Problems()
    process = read(text, "process.bpmn", problems)
    if process is None or len(problems):
        raise ValueError(str(next(iter(problems))))
    return process


def read(text: str, place: str, problems: Problems) -> Process | None:
    """The one process of a file, or None where nothing can be made of it; `problems` says all that is wrong with its parts."""
    try:
        root = markup.read(text)
    except BadMarkup as error:
        problems.add(error.code, place, error.line, found=error.found, expected=error.expected)
        return None
    before = len(problems)
    _check_elements(root, place, problems)
    processes = [element for element in root.inside if (element.space, element.name) == (MODEL, "process")]
    if (root.space, root.name) != (MODEL, "definitions") or len(processes) != 1:
        found = f"{len(processes)} processes in <{root.name}>"
        problems.add("process", place, root.line, found=found, expected="one process in <definitions> of BPMN 2.0")
    if len(problems) > before:
        return None
    return _process(root, processes[0], place, problems)


def _check_elements(root: Element, place: str, problems: Problems) -> None:
    for element in root.all():
        known_here = element.name in (*NODES, *AROUND) if element.space == MODEL else element.space in (DRAWN, CORNERS, LINES)
        if not known_here:
            expected = "one of " + ", ".join(NODES) + "; no script, service, call, timer, message, sub-process or extension"
            problems.add(
                "process", place, element.line, element.attribute("id") or None, found=f"<{element.name}>", expected=expected
            )
        for space, name in element.attributes:
            if space == OWN and (element.name != "userTask" or name not in OF_STEP) and name != "name-en":
                problems.add("field-unknown", place, element.line, name, found=name, expected="one of " + ", ".join(OF_STEP))


OF_STEP = ("name-en", "stage", "act", "days", "reviewers", "form", "gaps")


def _process(root: Element, told: Element, place: str, problems: Problems) -> Process | None:
    nodes: dict[str, Node] = {}
    flows: dict[str, Flow] = {}
    lanes: dict[str, str] = {}
    seen: dict[str, int] = {}  # the line of the first
    for element in root.all():
        if element.space != MODEL or element.name not in (
            *NODES,
            "sequenceFlow",
            "process",
            "lane",
            "participant",
            "textAnnotation",
        ):
            continue
        key = element.attribute("id")
        if not IDENTIFIER.fullmatch(key):
            problems.add("value", place, element.line, "id", found=key, expected="letters, digits, _, . and -; at most 60")
            continue
        if key in seen:
            problems.add(
                "key-twice", place, element.line, "id", found=key, expected=f"one element; the first is in line {seen[key]}"
            )
            continue
        seen[key] = element.line
        if element.name in NODES:
            nodes[key] = _node(element, key, place, problems)
        elif element.name == "sequenceFlow":
            flows[key] = _flow(element, key, place, problems)
        elif element.name != "process":
            text = next((each.text for each in element.inside if each.name == "text"), "")
            lanes[key] = element.attribute("name") or " ".join(text.split())
    if len(nodes) > MOST_NODES:
        problems.add(
            "too-large", place, told.line, found=f"{len(nodes)} events, steps and gateways", expected=f"at most {MOST_NODES}"
        )
        return None
    shapes, edges = _drawn(root, place, problems)
    name = told.attribute("name")
    key = told.attribute("id")
    return Process(key, name or key, told.attribute("name-en", OWN) or name or key, nodes, flows, shapes, edges, lanes)


def _node(element: Element, key: str, place: str, problems: Problems) -> Node:
    name = element.attribute("name")
    told = {each: element.attribute(each, OWN) for each in OF_STEP}
    at = (place, element.line)
    if element.name == "userTask":
        for each in ("stage", "act", "days", "name-en"):
            if not told[each]:
                problems.add("field-missing", *at, f"{key} sc:{each}", expected=f"sc:{each} of the step")
        for each, choices in (("stage", STAGES), ("act", tuple(ACTS)), ("gaps", GAPS)):
            if told[each] and told[each] not in choices:
                problems.add(
                    "choice", *at, f"{key} sc:{each}", found=told[each], expected="one of " + ", ".join(filter(None, choices))
                )
        if told["form"] and not FORM.fullmatch(told["form"]):
            problems.add("value", *at, f"{key} sc:form", found=told["form"], expected="a-z, 0-9 and -; at most 60")
        if not name:
            problems.add("field-missing", *at, f"{key} name", expected="the name of the step in Chinese")
    days = _number(told["days"], 1, LONGEST_DAYS, f"{key} sc:days", at, problems)
    reviewers = _number(told["reviewers"], 1, MOST_REVIEWERS, f"{key} sc:reviewers", at, problems)
    if told["act"] == "review" and not told["reviewers"]:
        problems.add("field-missing", *at, f"{key} sc:reviewers", expected="how many reviewers give their opinion, at least 1")
    if told["reviewers"] and told["act"] != "review":
        problems.add(
            "field-unknown", *at, f"{key} sc:reviewers", found=told["reviewers"], expected="reviewers of a review alone"
        )
    if told["gaps"] and (told["gaps"] == "allow") != (told["act"] == "submit"):
        problems.add(
            "choice", *at, f"{key} sc:gaps", found=told["gaps"], expected="allow where something is submitted, else close"
        )
    return Node(
        key,
        element.name,
        name or key,
        told["name-en"] or name or key,
        element.line,
        told["stage"],
        told["act"],
        days,
        reviewers,
        told["form"],
        told["gaps"],
        any(each.name == "terminateEventDefinition" for each in element.inside),
        element.attribute("default"),
    )


def _number(text: str, low: int, high: int, name: str, at: tuple[str, int], problems: Problems) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and low <= int(text) <= high):
        problems.add("value", *at, name, found=text, expected=f"a whole number from {low} to {high}")
        return 0
    return int(text)


def _flow(element: Element, key: str, place: str, problems: Problems) -> Flow:
    told = [each for each in element.inside if each.name == "conditionExpression"]
    text = told[0].text.strip() if told else ""
    if told:
        try:
            conditions.names_of(text)
        except ValueError as error:
            problems.add("formula", place, told[0].line, key, found=text, expected=str(error))
            text = ""
    name = element.attribute("name")
    source, target = element.attribute("sourceRef"), element.attribute("targetRef")
    return Flow(key, source, target, text, element.line, name, element.attribute("name-en", OWN) or name)


def _drawn(
    root: Element, place: str, problems: Problems
) -> tuple[dict[str, tuple[float, float, float, float]], dict[str, list[tuple[float, float]]]]:
    shapes: dict[str, tuple[float, float, float, float]] = {}
    edges: dict[str, list[tuple[float, float]]] = {}
    for element in root.all():
        if element.space != DRAWN or element.name not in ("BPMNShape", "BPMNEdge"):
            continue
        key = element.attribute("bpmnElement")
        try:
            if element.name == "BPMNShape":
                box = next((each for each in element.inside if each.name == "Bounds"), None)
                if box is not None:
                    x, y, width, height = (_length(box.attribute(each)) for each in ("x", "y", "width", "height"))
                    shapes[key] = (x, y, max(width, 1.0), max(height, 1.0))
            else:
                points = [each for each in element.inside if each.name == "waypoint"]
                edges[key] = [(_length(each.attribute("x")), _length(each.attribute("y"))) for each in points]
        except ValueError:
            problems.add(
                "value", place, element.line, key or None, found="a place that is no number", expected="numbers up to 20000"
            )
    return shapes, edges


def _length(text: str) -> float:
    number = float(text)
    if not abs(number) <= 20_000:
        raise ValueError(text)
    return number


def canonical(process: Process) -> bytes:
    """The process as BPMN again, with nothing in it but what was understood: the engine reads this, and never the file."""
    lines = [f'<definitions xmlns="{MODEL}" id="d"><process id="{process.process}" isExecutable="true">']
    for node in process.nodes.values():
        default = f' default="{node.default}"' if node.default in process.flows else ""
        inside = "<terminateEventDefinition/>" if node.terminates else ""
        lines.append(f'<{node.kind} id="{node.node}"{default}>{inside}</{node.kind}>')
    for flow in process.flows.values():
        condition = f"<conditionExpression>{escape(flow.condition)}</conditionExpression>" if flow.condition else ""
        ends = f'sourceRef="{flow.source}" targetRef="{flow.target}"'
        lines.append(f'<sequenceFlow id="{flow.flow}" {ends}>{condition}</sequenceFlow>')
    lines.append("</process></definitions>")
    return "\n".join(lines).encode()
