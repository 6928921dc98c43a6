"""YAML as nodes with their lines: read within limits, and without anything that YAML can do beyond plain data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scicity.kernel.problems import Problems

LARGEST = 1 << 20  # bytes
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same loader, twenty times faster where it is built
MOST_EVENTS = 200_000
DEEPEST = 12
PLAIN_TAGS = frozenset(
    "tag:yaml.org,2002:" + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
NULL = "tag:yaml.org,2002:null"


def composed(raw: bytes, place: str, problems: Problems) -> Node | None:
    """The root node of a YAML file; None, with its problems, where it cannot be read or is not plain data."""
    if len(raw) > LARGEST:
        problems.add("too-large", place, found=f"{len(raw)} bytes", expected=f"at most {LARGEST} bytes")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problems.add("encoding", place, line, found=raw[error.start : error.start + 4].hex(), expected="UTF-8")
        return None
    try:
        if not _plain(text, place, problems):
            return None
        node: Node | None = yaml.compose(text, Loader=LOADER)
        return node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = f"{error.problem}" + (f", column {mark.column + 1}" if mark else "")
        problems.add("syntax", place, mark.line + 1 if mark else None, found=found, expected="YAML")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problems.add("syntax", place, found=error, expected="YAML")
    return None


def _plain(text: str, place: str, problems: Problems) -> bool:
    """Whether the events of a text are those of plain data of bounded depth; looked at before any node is made."""
    depth = 0
    faults = len(problems)
    for number, event in enumerate(yaml.parse(text, Loader=LOADER)):
        line = event.start_mark.line + 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST or number > MOST_EVENTS:
            expected = f"at most {DEEPEST} levels and {MOST_EVENTS} parts"
            problems.add("too-large", place, line, found=f"level {depth}, part {number}", expected=expected)
            return False
        if getattr(event, "anchor", None):  # anchors, and the aliases that repeat them
            problems.add(
                "yaml-feature", place, line, found=f"anchor or alias {event.anchor}", expected="every value written out"
            )
        tag = getattr(event, "tag", None)
        if tag and tag not in PLAIN_TAGS and tag != "!":
            problems.add("yaml-feature", place, line, found=f"tag {tag}", expected="plain values")
    return len(problems) == faults


@dataclass
class Fields:
    """The fields of a mapping, each taken once by its name; faults go to `problems` with the line they stand in."""

    place: str
    problems: Problems
    path: str
    line: int
    nodes: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def of(
        cls, node: Node | None, place: str, problems: Problems, path: str, known: Collection[str], needed: Collection[str] = ()
    ) -> Fields:
        """The fields of a node; a node that is no mapping, unknown, doubled and missing fields are problems."""
        line = node.start_mark.line + 1 if node is not None else 1
        made = cls(place, problems, path, line)
        if not isinstance(node, MappingNode):
            problems.add("value", place, line, path or None, found=shown(node), expected="fields: " + ", ".join(known))
            return made
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else "?"
            at = key.start_mark.line + 1
            if name not in known:
                problems.add("field-unknown", place, at, made.named(name), found=name, expected="one of " + ", ".join(known))
            elif name in made.nodes:
                problems.add("key-twice", place, at, made.named(name), found=name, expected="each field once")
            else:
                made.nodes[name] = value
        for name in needed:
            if name not in made.nodes:
                problems.add("field-missing", place, line, made.named(name), expected=f"a field {name}")
        return made

    def named(self, name: str) -> str:
        """The path of a field, as problems name it."""
        return f"{self.path}.{name}" if self.path else name

    def line_of(self, name: str) -> int:
        """The line of a field, or of the mapping where it has none."""
        return self.nodes[name].start_mark.line + 1 if name in self.nodes else self.line

    def refuse(self, name: str, expected: str, code: str = "value", found: object = None) -> None:
        """Adds a problem with a field."""
        told = shown(self.nodes.get(name)) if found is None else found
        self.problems.add(code, self.place, self.line_of(name), self.named(name), found=told, expected=expected)

    def text(self, name: str, *, empty: bool = False) -> str | None:
        """The text of a field as it stands in the file; None where it is not there."""
        node = self.nodes.get(name)
        if node is None:
            return None
        quoted = isinstance(node, ScalarNode) and node.style in ("'", '"')
        if not isinstance(node, ScalarNode) or (node.tag == NULL and not quoted) or (not node.value.strip() and not empty):
            self.refuse(name, "a text")
            return None
        return node.value.strip()

    def items(self, name: str) -> list[Node]:
        """The items of a list; none where the field is not there."""
        node = self.nodes.get(name)
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self.refuse(name, "a list")
            return []
        return list(node.value)

    def names(self, name: str, *, needed: bool = False) -> tuple[str | None, str | None]:
        """The Chinese and the English text of a field `{zh: …, en: …}`."""
        if name not in self.nodes:
            return None, None
        languages = ("zh", "en")
        inner = Fields.of(self.nodes[name], self.place, self.problems, self.named(name), languages, languages if needed else ())
        return inner.text("zh", empty=not needed) or None, inner.text("en", empty=not needed) or None


def shown(node: Node | None) -> str:
    """A node in a few words."""
    if node is None:
        return "nothing"
    return node.value if isinstance(node, ScalarNode) else "a list" if isinstance(node, SequenceNode) else "fields"
