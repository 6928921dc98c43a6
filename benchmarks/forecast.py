"""Day-ahead forecasts of hourly load beside the two that need no model, by rolling origin, on a district's buildings.

    .venv/bin/python benchmarks/forecast.py [districts/future-science-city] [--state FOLDER] [--markdown FILE]

Each midnight the next day is forecast from what was known then; scored are the hours of which the load and all three forecasts
are known, from the first full year of a series on. MASE is the mean absolute error over that of "the same hour yesterday"
within the first year. The share of outcomes inside of the 80 % interval is scored with the errors of the eight weeks before.
One process, two threads at most. --state keeps the computed lake for the next run; --markdown writes the tables of
docs/forecasts.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "src"))

from scicity.city import City  # noqa: E402
from scicity.domains.control.methods import load  # noqa: E402
from scicity.domains.control.methods.grid import Grid, gridded  # noqa: E402

WIDTH = 130  # of a line of the page
WARM = 365  # days of a series before its first scored one
NAMES = ("model", "yesterday", "last week")


def loads_of(district: Path, state: Path) -> Grid:
    """The hourly loads of a district's buildings, from its readings."""
    city = City(district, state)
    city.load()
    city.compute(only="control.load_day")
    rows = city.figures.engine.rows(city.catalog["control.load_day"])
    days = rows.column("day").cast("int32").to_numpy()
    return gridded(rows, int(days.min()), int(days.max()))


def scores(grid: Grid, made: load.DayAhead) -> list[dict[str, object]]:
    """A row of each series with its three errors."""
    given = (made.forecast, made.yesterday, made.last_week)
    found = []
    for at, name in enumerate(grid.buildings):
        truth = grid.loads[at]
        known = ~np.isnan(truth)
        first = np.flatnonzero(known.any(axis=1))
        if not len(first):
            continue
        begin = first[0] + WARM
        for each in given:
            known &= ~np.isnan(each[at])
        test = known.copy()
        test[:begin] = False
        if test.sum() < 28 * 24:
            continue
        off = [np.abs(each[at][test] - truth[test]) for each in given]
        mean = truth[test].mean()
        before = np.abs(made.yesterday[at] - truth)[:begin]
        scale = np.nanmean(before)
        found.append(
            {
                "building": name,
                "carrier": grid.carriers[at],
                "hours": int(test.sum()),
                "mean": mean,
                "mae": [each.mean() for each in off],
                "cv": [100 * np.sqrt((each**2).mean()) / mean for each in off],
                "mase": [each.mean() / scale for each in off],
            }
        )
    return found


def inside(grid: Grid, made: load.DayAhead, share: float, weeks: int) -> np.ndarray:
    """The share of outcomes inside of the interval, of each series, over every fourteenth day of the last year."""
    held, of = np.zeros(len(grid.buildings)), np.zeros(len(grid.buildings))
    for day in range(max(WARM, grid.loads.shape[1] - WARM), grid.loads.shape[1], 14):
        before = slice(day - weeks * load.WEEK, day)
        low, high = load.spread(grid.loads[:, before], made.forecast[:, before], share)
        truth, told = grid.loads[:, day], made.forecast[:, day]
        known = ~np.isnan(truth) & ~np.isnan(told) & ~np.isnan(low)
        held += (known & (truth >= told + low) & (truth <= told + high)).sum(axis=1)
        of += known.sum(axis=1)
    return np.divide(held, of, out=np.full(len(held), np.nan), where=of > 0)


def told(rows: list[dict[str, object]], covered: np.ndarray, about: str) -> str:
    """The tables of the page as Markdown."""
    lines = [
        textwrap.fill(about, WIDTH),
        "",
        "| | series | better than yesterday | better than last week | than both |",
        "|---|---|---|---|---|",
    ]
    for measure, label in (("mae", "MAE"), ("cv", "CV(RMSE)")):
        for carrier in ("all", *sorted({str(row["carrier"]) for row in rows})):
            chosen = [row for row in rows if carrier in ("all", row["carrier"])]
            one = [row[measure][0] < row[measure][1] for row in chosen]  # type: ignore[index]
            two = [row[measure][0] < row[measure][2] for row in chosen]  # type: ignore[index]
            both = sum(a and b for a, b in zip(one, two, strict=True))
            share = 100 * both / len(chosen)
            lines.append(f"| {label}, {carrier} | {len(chosen)} | {sum(one)} | {sum(two)} | {both} ({share:.1f} %) |")
    lines += ["", f"Inside of the 80 % interval: {100 * np.nanmean(covered):.1f} % of the hours (mean of the series).", ""]
    lines += ["| building | carrier | mean [kWh] | MAE [kWh] | CV(RMSE) [%] | MASE |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [
            " / ".join(f"{value:.{digits}f}" for value in row[name]) for name, digits in (("mae", 2), ("cv", 1), ("mase", 3))
        ]  # type: ignore[attr-defined]
        lines.append(f"| {row['building']} | {row['carrier']} | {row['mean']:.2f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Scores, prints, and says how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("district", nargs="?", type=Path, default=HOME / "districts" / "future-science-city")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        grid = loads_of(given.district, given.state or Path(passing))
    begin = time.perf_counter()
    made = load.day_ahead(grid.loads, grid.first)
    seconds = time.perf_counter() - begin
    rows = scores(grid, made)
    span = [date.fromordinal(date(1970, 1, 1).toordinal() + at) for at in (grid.first, grid.last)]
    about = (
        f"Rendered on {datetime.now(UTC):%Y-%m-%d} by `benchmarks/forecast.py` from `{given.district.name}`, {span[0]} to "
        f"{span[1]}: {len(rows)} series of buildings and carriers, {sum(int(row['hours']) for row in rows):,} hours scored, "  # type: ignore[call-overload]
        f"all of it forecast in {seconds:.1f} s. Three numbers in a cell: {' / '.join(NAMES)}."
    )
    text = told(rows, inside(grid, made, 0.8, 8), about)
    print(text)
    if given.markdown:
        given.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
