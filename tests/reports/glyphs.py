"""Signs that a PDF shows as an empty box: glyph 0 (.notdef) of its fonts, wherever a page or a form in it shows text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ContentStream

MOVES = (b"Tj", b"'", b'"', b"TJ")


def missing(reader: PdfReader) -> list[tuple[int, str]]:
    """Page number and font of every glyph 0 that is shown."""
    return [
        (number, font)
        for number, page in enumerate(reader.pages, start=1)
        for font, code in shown(reader, page.get_contents(), page["/Resources"])
        if code == 0
    ]


def shown(reader: PdfReader, content: Any, resources: Any) -> Iterator[tuple[str, int]]:
    """The font and the glyph of every sign that a content shows. Fonts are composite with two bytes a glyph (Identity-H)."""
    if content is None:
        return
    font = ""
    fonts = resources.get("/Font", {})
    for operands, operator in ContentStream(content, reader).operations:
        if operator == b"Tf":
            font = str(operands[0])
            assert fonts[font].get_object()["/Encoding"] == "/Identity-H"
        elif operator in MOVES:
            parts = operands[-1] if isinstance(operands[-1], list) else [operands[-1]]
            for part in parts:
                raw = getattr(part, "original_bytes", None)
                if raw is None:
                    continue
                yield from ((font, int.from_bytes(raw[at : at + 2], "big")) for at in range(0, len(raw), 2))
        elif operator == b"Do":
            inner = resources["/XObject"][operands[0]].get_object()
            if inner.get("/Subtype") == "/Form":
                yield from shown(reader, inner, inner.get("/Resources", resources))
