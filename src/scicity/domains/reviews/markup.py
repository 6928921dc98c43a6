"""XML of a stranger, read as plain elements: no document type, so no entity; no instruction; bounded in size and depth."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat  # reads no file and no network; a document type ends it before any entity is declared

LARGEST = 1 << 20  # bytes
MOST_ELEMENTS = 5_000
DEEPEST = 32
LONGEST = 2_000  # characters of a text or an attribute


class BadMarkup(ValueError):  # noqa: N818  (reads as what it is)
    """What cannot be read, with its line, and with the code of the problem that it is."""

    def __init__(self, code: str, line: int | None, found: str, expected: str) -> None:
        super().__init__(f"line {line}: found {found}; expected {expected}")
        self.code, self.line, self.found, self.expected = code, line, found, expected


@dataclass
class Element:
    """One element: its namespace and name, attributes by (namespace, name), the elements in it, its text, its line."""

    space: str
    name: str
    line: int
    attributes: dict[tuple[str, str], str]
    inside: list[Element] = field(default_factory=list)
    text: str = ""

    def attribute(self, name: str, space: str = "") -> str:
        """An attribute, or nothing."""
        return self.attributes.get((space, name), "")

    def all(self) -> list[Element]:
        """The element and all below it."""
        found, waiting = [], [self]
        while waiting:
            found.append(waiting.pop())
            waiting += reversed(found[-1].inside)
        return found


def read(text: str) -> Element:
    """The root element of a text. Raises BadMarkup."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > LARGEST:
        raise BadMarkup("too-large", None, f"{len(raw)} bytes", f"at most {LARGEST} bytes")
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="\n")
    parser.buffer_text = True
    root: list[Element] = []
    path: list[Element] = []
    count = 0

    def refuse(code: str, found: str, expected: str) -> None:
        raise BadMarkup(code, parser.CurrentLineNumber, found, expected)

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS:
            refuse("too-large", "more elements", f"at most {MOST_ELEMENTS} elements")
        if len(path) >= DEEPEST:
            refuse("too-large", "a deeper element", f"elements at most {DEEPEST} deep")
        if any(len(value) > LONGEST for value in attributes.values()):
            refuse("too-large", "a longer attribute", f"attributes of at most {LONGEST} characters")
        space, local = _split(name)
        element = Element(space, local, parser.CurrentLineNumber, {_split(key): value for key, value in attributes.items()})
        (path[-1].inside if path else root).append(element)
        path.append(element)

    def end(_: str) -> None:
        path.pop()

    def words(text: str) -> None:
        if path:
            path[-1].text += text
            if len(path[-1].text) > LONGEST:
                refuse("too-large", "a longer text", f"texts of at most {LONGEST} characters")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, words
    parser.StartDoctypeDeclHandler = lambda *_: refuse("process", "a document type (DOCTYPE)", "BPMN without one")
    parser.ProcessingInstructionHandler = lambda *_: refuse("process", "a processing instruction", "BPMN without one")
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise BadMarkup("syntax", error.lineno, expat.errors.messages.get(error.code, str(error)), "XML") from None
    return root[0]


def _split(name: str) -> tuple[str, str]:
    space, _, local = name.rpartition("\n")
    return space, local
