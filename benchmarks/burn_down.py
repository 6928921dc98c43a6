"""Forecasts of the year's end at the end of each month beside two simple ones, on the years that a district has.

    .venv/bin/python benchmarks/burn_down.py [districts/future-science-city] [--state FOLDER] [--markdown FILE]

Every scope and amount (energy, standard coal, carbon dioxide) is forecast at the end of January to November of each year that
has an earlier one, from the months until then and the years before, and held against what the year came to. Beside it: the year
before again, and what is used so far over the share of days. Buildings, zones and the district count alike; the amounts of one
scope move together, so that there are fewer independent cases than rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from calendar import monthrange
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "src"))

from scicity.city import City  # noqa: E402
from scicity.domains.control.methods import burn  # noqa: E402

WIDTH = 130  # of a line of the page
LEAST = 0.9  # of a year that must be known to be held against


def years_of(district: Path, state: Path) -> tuple[list[tuple[str, str, str]], int, np.ndarray, np.ndarray]:
    """Keys, first year, and used and known share (keys, years, 12)."""
    city = City(district, state)
    city.load()
    city.compute(only="control.use_monthly")
    rows = city.figures.engine.rows(city.catalog["control.use_monthly"]).to_pylist()
    keys = sorted({(row["scope_kind"], row["scope"], row["budget_measure"]) for row in rows})
    first, last = (pick(row["month"].year for row in rows) for pick in (min, max))
    used = np.full((len(keys), last - first + 1, 12), np.nan)
    known = np.zeros_like(used)
    place = {key: at for at, key in enumerate(keys)}
    for row in rows:
        where = place[row["scope_kind"], row["scope"], row["budget_measure"]], row["month"].year - first, row["month"].month - 1
        if row["used"] is not None:
            used[where], known[where] = float(row["used"]), row["coverage"]
    return keys, first, used, known


def main() -> None:
    """Scores, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("district", nargs="?", type=Path, default=HOME / "districts" / "future-science-city")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        keys, first, used, known = years_of(given.district, given.state or Path(passing))
    text = told(keys, first, used, known, given.district.name)
    print(text)
    if given.markdown:
        given.markdown.write_text(text, encoding="utf-8")


def told(keys: list[tuple[str, str, str]], first: int, used: np.ndarray, known: np.ndarray, name: str) -> str:
    """The table of the page as Markdown."""
    errors: dict[tuple[str, int], list[list[float]]] = defaultdict(lambda: [[], [], [], [], []])
    cases = 0
    for at in range(1, used.shape[1]):
        year = first + at
        lengths = np.array([monthrange(year, month)[1] for month in range(1, 13)], dtype=float)
        state = burn.burn_down(used[:, : at + 1], known[:, : at + 1], lengths)
        seen = (known[:, at] * lengths).sum(axis=1) / lengths.sum()
        truth = np.nansum(used[:, at], axis=1) / np.maximum(seen, 1e-9)
        before = np.nansum(used[:, at - 1], axis=1)
        sound = (seen >= LEAST) & (known[:, at - 1].mean(axis=1) >= LEAST) & (truth > 0)
        cases += int(sound.sum())
        passed = np.cumsum(lengths) / lengths.sum()
        for month in range(11):
            made = state.forecast[:, month]
            plain = state.used_to_date[:, month] / passed[month]
            inside = (truth >= state.low[:, month]) & (truth <= state.high[:, month])
            width = (state.high - state.low)[:, month] / truth
            for number in np.flatnonzero(sound & ~np.isnan(made)):
                for group in ("all", keys[number][0]):
                    kept = errors[group, month]
                    for cell, value in zip(
                        kept,
                        (
                            abs(made[number] / truth[number] - 1),
                            abs(before[number] / truth[number] - 1),
                            abs(plain[number] / truth[number] - 1),
                            float(inside[number]),
                            width[number],
                        ),
                        strict=True,
                    ):
                        cell.append(float(value))
    lines = [
        textwrap.fill(
            f"Rendered on {datetime.now(UTC):%Y-%m-%d} by `benchmarks/burn_down.py` from `{name}`, years {first + 1} to "
            f"{first + used.shape[1] - 1}: {cases} years of holders and amounts. Mean absolute error of the year's total in %: "
            "forecast / the year before again / used so far over the share of days. Inside: how often the year came to lie in "
            "the interval that is to hold four in five. Width: of the interval, in per cent of the year.",
            WIDTH,
        ),
        "",
        "| told at the end of | all | inside | width | buildings | inside | zones and district | inside |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for month in range(11):
        cells = []
        for groups in (("all",), ("building",), ("zone", "district")):
            kept = [[each for group in groups for each in errors[group, month][number]] for number in range(5)]
            if not kept[0]:
                cells += ["", ""]
                continue
            cells.append(" / ".join(f"{100 * np.mean(values):.1f}" for values in kept[:3]))
            cells.append(f"{100 * np.mean(kept[3]):.0f} %")
            if groups == ("all",):
                cells.append(f"{100 * np.mean(kept[4]):.0f} %")
        lines.append(f"| month {month + 1} | " + " | ".join(cells) + " |")
    overall = [value for month in range(11) for value in errors["all", month][3]]
    lines += ["", f"Inside over all months: {100 * np.mean(overall):.1f} % of {len(overall):,} forecasts."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
