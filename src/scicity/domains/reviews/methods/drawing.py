"""A process drawn as SVG from the shapes of its own file, with the steps that are open or done marked.

Source: OMG, BPMN 2.0.2, clause 12 (diagram interchange) for what stands where; shapes as in clause 7. Lengths in pixels [px].
"""

from __future__ import annotations

from collections.abc import Collection
from html import escape

from scicity.domains.reviews.bpmn import Process

MARGIN = 24.0
LINE = 15.0  # [px] from line to line of a step's name
STEP, EVENT, GATEWAY = (130.0, 70.0), (36.0, 36.0), (46.0, 46.0)
SIZES = {"userTask": STEP, "startEvent": EVENT, "endEvent": EVENT}
WIDE = 1.0  # [em] of a Chinese character; others take about half
OPENING = ("", "（", "“", "《")  # what no line ends with
_CLASSES = {"open": "bpmn-open", "done": "bpmn-done"}


def drawn(
    process: Process, language: str, open_steps: Collection[str] = (), done: Collection[str] = (), title: str = ""
) -> str:
    """The diagram as SVG text, all of whose words are escaped; `language` is `zh` or `en`.

    Open steps carry the class `bpmn-open` and are named in the description, so that colour is not all that tells.
    """
    shapes = _placed(process)
    points = [point for edge in process.edges.values() for point in edge]
    left = min([*(x for x, _, _, _ in shapes.values()), *(x for x, _ in points)], default=0.0) - MARGIN
    top = min([*(y for _, y, _, _ in shapes.values()), *(y for _, y in points)], default=0.0) - MARGIN
    right = max([*(x + w for x, _, w, _ in shapes.values()), *(x for x, _ in points)], default=0.0) + MARGIN
    bottom = max([*(y + h for _, y, _, h in shapes.values()), *(y for _, y in points)], default=0.0) + MARGIN + LINE
    names = [node.name_zh if language == "zh" else node.name_en for node in process.steps if node.node in open_steps]
    told = (
        ("当前步骤：" if language == "zh" else "Open now: ") + ("、" if language == "zh" else ", ").join(names) if names else ""
    )
    name = title or (process.name_zh if language == "zh" else process.name_en)
    parts = [
        f'<svg class="bpmn" role="img" viewBox="{left:g} {top:g} {right - left:g} {bottom - top:g}" width="{right - left:g}" '
        f'height="{bottom - top:g}" xmlns="http://www.w3.org/2000/svg" aria-label="{escape(name)}. {escape(told)}">'
        f"<title>{escape(name)}</title><desc>{escape(told)}</desc>"
        '<defs><marker id="bpmn-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="bpmn-tip" d="M0 0 10 5 0 10z"/></marker></defs>'
    ]
    for key, text in process.lanes.items():
        if key in process.shapes:
            x, y, width, height = process.shapes[key]
            parts.append(f'<rect class="bpmn-lane" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"/>')
            parts += _words(text, x + 8, y + 18, width - 16, "bpmn-lane-name", "start", 1)
    parts += _flows(process, shapes, language)
    for node in process.nodes.values():
        state = "open" if node.node in open_steps else "done" if node.node in done else ""
        parts += _node(process, node.node, shapes[node.node], language, _CLASSES.get(state, ""))
    parts.append("</svg>")
    return "".join(parts)


def _node(process: Process, key: str, box: tuple[float, float, float, float], language: str, mark: str) -> list[str]:
    node = process.nodes[key]
    x, y, width, height = box
    name = node.name_zh if language == "zh" else node.name_en
    middle_x, middle_y = x + width / 2, y + height / 2
    if node.kind == "userTask":
        side = "bpmn-applicant" if node.party == "applicant" else "bpmn-authority"
        found = [f'<g class="bpmn-step {side} {mark}"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="9"/>']
        if mark == "bpmn-open":
            found.append(f'<circle class="bpmn-here" cx="{x + width:g}" cy="{y:g}" r="8"/>')
        elif mark == "bpmn-done":
            found.append(f'<path class="bpmn-tick" d="M{x + width - 20:g} {y + 12:g}l5 5 9-10"/>')
        found += _words(name, middle_x, middle_y, width - 12, "bpmn-name", "middle", 4)
        return [*found, "</g>"]
    if node.kind in ("startEvent", "endEvent"):
        kind = "bpmn-start" if node.kind == "startEvent" else "bpmn-end"
        found = [f'<circle class="bpmn-event {kind}" cx="{middle_x:g}" cy="{middle_y:g}" r="{min(width, height) / 2:g}"/>']
        if node.terminates:
            found.append(f'<circle class="bpmn-full" cx="{middle_x:g}" cy="{middle_y:g}" r="{min(width, height) / 3:g}"/>')
        return found + (_words(name, middle_x, y + height + LINE, 110, "bpmn-name", "middle", 1) if name != key else [])
    corners = f"{middle_x:g},{y:g} {x + width:g},{middle_y:g} {middle_x:g},{y + height:g} {x:g},{middle_y:g}"
    sign = "M-8 0H8M0-8V8" if node.kind == "parallelGateway" else "M-6-6 6 6M-6 6 6-6"
    found = [f'<polygon class="bpmn-gateway" points="{corners}"/>']
    return [*found, f'<path class="bpmn-sign" transform="translate({middle_x:g} {middle_y:g})" d="{sign}"/>']


def _flows(process: Process, shapes: dict[str, tuple[float, float, float, float]], language: str) -> list[str]:
    found = []
    for flow in process.flows.values():
        points = process.edges.get(flow.flow) or []
        if len(points) < 2:
            points = _straight(shapes[flow.source], shapes[flow.target])
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        found.append(f'<polyline class="bpmn-flow" points="{path}" marker-end="url(#bpmn-arrow)"/>')
        name = flow.name_zh if language == "zh" else flow.name_en
        if name:
            (x, y), (to_x, to_y) = points[0], points[1]
            level = abs(to_y - y) < abs(to_x - x)
            at = (x + (12 if to_x > x else -12), y - 6) if level else (x + 6, y + (18 if to_y > y else -10))
            found += _words(name, *at, 90, "bpmn-flow-name", "start" if to_x >= x else "end", 1)
    return found


def _straight(
    source: tuple[float, float, float, float], target: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    (x, y, width, height), (to_x, to_y, to_width, to_height) = source, target
    if to_x >= x + width:
        return [(x + width, y + height / 2), (to_x, to_y + to_height / 2)]
    return [(x + width / 2, y + height), (to_x + to_width / 2, to_y + to_height)]


def _words(text: str, x: float, y: float, width: float, kind: str, anchor: str, most: int) -> list[str]:
    lines = wrapped(text, max(int(width / 7), 4), most)
    first = y - (len(lines) - 1) * LINE / 2 + (4 if kind == "bpmn-name" else 0)
    return [
        f'<text class="{kind}" x="{x:g}" y="{first + number * LINE:g}" text-anchor="{anchor}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]


def wrapped(text: str, room: int, most: int) -> list[str]:
    """A text in at most `most` lines of `room` halves of a Chinese character; broken at spaces, or within Chinese words."""
    lines: list[str] = [""]
    for word in _pieces(text):
        if lines[-1] and _width(lines[-1] + word.rstrip()) > room:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    lines = [line.strip() for line in lines if line.strip()] or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: max(room // 2 - 1, 1)] + "…"]
    return lines


def _pieces(text: str) -> list[str]:
    found, word = [], ""
    for sign in text:
        if sign in OPENING:
            found += [word] if word else []
            word = sign
        elif ord(sign) > 0x2E7F:
            found += [word + sign] if word in OPENING else [word, sign]
            word = ""
        else:
            word += sign
            if sign == " ":
                found.append(word)
                word = ""
    return [*found, word] if word else found


def _width(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _placed(process: Process) -> dict[str, tuple[float, float, float, float]]:
    """The boxes of all nodes: those of the file, and for want of them columns in the order of the flows."""
    found = {key: process.shapes[key] for key in process.nodes if key in process.shapes}
    column: dict[str, int] = {}
    waiting = [(node.node, 0) for node in process.nodes.values() if node.kind == "startEvent"]
    while waiting:
        key, place = waiting.pop(0)
        if key not in column:
            column[key] = place
            waiting += [(flow.target, place + 1) for flow in process.out(key) if flow.target in process.nodes]
    row: dict[int, int] = {}
    for key, node in process.nodes.items():
        if key not in found:
            place = column.get(key, 0)
            width, height = SIZES.get(node.kind, GATEWAY)
            found[key] = (place * 180.0 + (130 - width) / 2, row.get(place, 0) * 120.0 + (70 - height) / 2, width, height)
            row[place] = row.get(place, 0) + 1
    return found
