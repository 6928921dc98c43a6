"""A sheet of the map on paper: a drawn image at a scale, with bar, north, legend, date, sources and licences, by Typst."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scicity.reports import fonts

PAGE = Path(__file__).parent / "sheet.typ"
# Paper: width and height of the sheet, and of the map in it [mm]; the page draws the image for that frame.
PAPERS = {
    "a4-landscape": (297, 210, 205, 150),
    "a4-portrait": (210, 297, 186, 180),
    "a3-landscape": (420, 297, 318, 236),
    "a3-portrait": (297, 420, 273, 290),
}
# Lines of legend and sources that have room beside (below) the map; what has none comes on a page of its own.
ROOM = {"a4-landscape": 38, "a4-portrait": 36, "a3-landscape": 60, "a3-portrait": 57}
SIGNS = 40  # of a line of sources
LARGEST = 40 << 20  # bytes of an image
WIDEST = 12_000  # pixels
SCALES = (50, 5_000_000)
BAR = 60.0  # [mm] that the scale bar may take
LONGEST_TITLE = 120


class Unclear(ValueError):  # noqa: N818  (reads as what happened)
    """What was sent is no sheet; says what was expected."""


@dataclass(frozen=True)
class Sheet:
    """What a page sends: paper, scale, title, layers by name, the words of the time shown, an image (PNG)."""

    paper: str
    scale: float
    title: str
    layers: Mapping[str, Sequence[str]]  # by name, the classes that are drawn on it
    time: str
    figure: Mapping[str, Any] | None
    stand_in: bool  # whether the page has drawn what is stand-in
    image: bytes


def sheet_of(text: str, image: bytes) -> Sheet:
    """A sheet from what was sent. Raises Unclear."""
    try:
        told = json.loads(text[:100_000])
        scale = float(told["scale"])
        layers = {str(name): [str(each) for each in classes] for name, classes in told["layers"].items()}
        title, time = str(told.get("title") or "")[:LONGEST_TITLE], str(told.get("time") or "")[:80]
        figure, stand_in = told.get("figure") or None, told.get("stand_in") is True
        sheet = Sheet(str(told["paper"]), scale, title, layers, time, figure, stand_in, image)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unclear("paper, scale, title, layers, time") from error
    if sheet.paper not in PAPERS:
        raise Unclear("paper: one of " + ", ".join(PAPERS))
    if not SCALES[0] <= scale <= SCALES[1]:
        raise Unclear(f"a scale of 1:{SCALES[0]} to 1:{SCALES[1]}")
    if figure is not None and not isinstance(figure, dict):
        raise Unclear("figure: label, unit, steps")
    width, height = size_of(image)
    _, _, across, down = PAPERS[sheet.paper]
    if abs(width / height - across / down) > 0.02:
        raise Unclear(f"an image of {across} to {down}")
    return sheet


def size_of(image: bytes) -> tuple[int, int]:
    """Width and height of a PNG [px]. Raises Unclear."""
    if len(image) > LARGEST or image[:8] != b"\x89PNG\r\n\x1a\n" or image[12:16] != b"IHDR":
        raise Unclear(f"a PNG of at most {LARGEST >> 20} MB")
    width, height = struct.unpack(">II", image[16:24])
    if not (16 <= width <= WIDEST and 16 <= height <= WIDEST):
        raise Unclear(f"an image of 16 to {WIDEST} pixels")
    return width, height


def bar_of(scale: float, room: float = BAR) -> tuple[float, float]:
    """The scale bar: a round length [m] that takes at most so much room, and its length on paper [mm]."""
    most = room / 1000 * scale
    power = 10.0 ** (len(str(int(most))) - 1 if most >= 1 else -1)
    length = max(step * power for step in (0.1, 0.2, 0.5, 1, 2, 5) if step * power <= most)
    return length, length / scale * 1000


def written(sheet: Sheet, told: Mapping[str, Any]) -> bytes:
    """The PDF. `told` holds the words and the legend: see `sheet.typ`. Raises NoFont, or Unclear for an image that is none."""
    home = fonts.folder()
    import typst

    wide, tall, across, down = PAPERS[sheet.paper]
    length, bar = bar_of(sheet.scale)
    lines = sum(1 + len(each["classes"]) for each in told["legend"]) + 2
    sources = sum(1 + (len(name) + len(text)) // SIGNS for name, text in told["sources"]) + 2
    room = ROOM[sheet.paper]
    data = {
        **told,
        "beside": "both" if lines + sources <= room else "legend" if lines <= room else "none",
        "font": fonts.FAMILY,
        "paper": [wide, tall],
        "frame": [across, down],
        "bar": bar,
        "bar_words": _lengths(length),
        "scale": f"1 : {sheet.scale:,.0f}",
    }
    with tempfile.TemporaryDirectory(prefix="scicity-sheet-") as folder:
        place = Path(folder)
        (place / "map.png").write_bytes(sheet.image)
        (place / "sheet.typ").write_bytes(PAGE.read_bytes())
        try:
            return bytes(
                typst.compile(
                    str(place / "sheet.typ"),
                    root=folder,
                    font_paths=[str(home)],
                    ignore_system_fonts=True,
                    sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
                )
            )
        except typst.TypstError as error:
            raise Unclear("a PNG that can be read") from error


def _lengths(length: float) -> Sequence[str]:
    unit, by = ("km", 1000.0) if length >= 1000 else ("m", 1.0)
    return ["0", f"{length / 2 / by:g}", f"{length / by:g} {unit}"]
