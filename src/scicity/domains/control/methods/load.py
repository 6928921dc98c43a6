"""The load of the next day, hour by hour, of many buildings at once, from their own past; and how far it was off before.

Each hour of a day is a weighed sum of what the past says of it: the same hour of the last day of the same kind (working or
rest), a week ago, the mean of that weekday over four weeks, that mean raised or lowered to the level of the last days,
yesterday, the mean of a week, the level of four weeks, and by how much last evening was off its usual. The weights are those of
a regression over the weeks before, held towards weights that do well everywhere (ridge regression towards a prior), and fitted
anew every week. Nothing after midnight of the day before is used.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., chapters 5.8-5.10 and 7 (scores, rolling
origin, regression on lags); Hoerl & Kennard 1970, doi:10.1080/00401706.1970.10488634 (ridge).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HOURS, WEEK = 24, 7
MONDAY = 3  # day 0 of 1970 was a Thursday; (day + 3) % 7 is 0 on Mondays
PROFILE = 4  # weeks whose same weekdays make the usual day; `_sums` adds up as many
TRAINED = 10  # weeks before a week from which its weights are fitted
FORGET = 0.97  # how much a week counts of the one after it
HELD = 0.005  # how strongly weights are held to the prior, against the mean square of what they weigh
LEAST_KNOWN = 14 * HOURS  # hours of the training that must be known
LOOKS_BACK = WEEK * (TRAINED + PROFILE + 2)  # [d] no forecast depends on a day further back than this
RATIO = (0.25, 4.0)  # levels beyond this against the usual are not followed
BEYOND = 0.25  # of the range of the last four weeks: forecasts end there
# last day of its kind, a week ago, usual, usual at its level, yesterday, mean of a week, level of four weeks, last evening
PRIOR = np.array([0.25, 0.10, 0.15, 0.35, 0.05, 0.10, 0.0, 0.3])
EVENING = 3  # hours of last evening
FADES = 8.0  # [h] over which what last evening was off fades
CHUNK = 64  # series at once: what is held of them stays in the caches' neighbourhood


@dataclass(frozen=True)
class DayAhead:
    """Forecasts made at each midnight for the day that begins, beside two that need no model; (series, days, 24) [kWh]."""

    forecast: np.ndarray
    yesterday: np.ndarray
    last_week: np.ndarray


def day_ahead(loads: np.ndarray, first_day: int, rest: np.ndarray | None = None) -> DayAhead:
    """Forecasts of each day of a stretch from the days before it alone.

    `loads`: (series, days, 24) [kWh], NaN where unknown, the last day may be unknown altogether; `first_day`: of the stretch
    [days since 1970, local]; `rest`: (days,) bool, days on which people rest (Saturdays and Sundays, if None). A forecast is
    NaN where fewer than 14 days of the training are known. Raises ValueError for another shape.
    """
    if loads.ndim != 3 or loads.shape[2] != HOURS:
        raise ValueError(f"loads are (series, days, 24), not {loads.shape}")
    days = loads.shape[1]
    if rest is None:
        rest = (first_day + MONDAY + np.arange(days)) % WEEK >= 5
    lead = (first_day + MONDAY) % WEEK  # weeks begin on Mondays, wherever the stretch begins
    tail = -(lead + days) % WEEK
    padded = np.pad(loads.astype(np.float64), ((0, 0), (lead, tail), (0, 0)), constant_values=np.nan)
    resting = np.pad(np.asarray(rest, dtype=bool), (lead, tail))
    parts = [_forecast(padded[at : at + CHUNK], resting) for at in range(0, len(loads), CHUNK)]
    whole = np.concatenate(parts) if parts else padded
    inside = slice(lead, lead + days)
    return DayAhead(whole[:, inside], _back(padded, 1)[:, inside], _back(padded, WEEK)[:, inside])


def spread(actual: np.ndarray, forecast: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """What to add to a forecast of each hour for the lower and upper end of the interval that holds `share` of the outcomes.

    `actual`, `forecast`: (series, days, 24) [kWh] of forecasts made before; the quantiles of their errors by hour, each hour
    with its two neighbours: (series, 24) each. NaN where nothing was forecast.
    """
    off = actual - forecast
    near = np.concatenate([np.roll(off, 1, axis=2), off, np.roll(off, -1, axis=2)], axis=1)
    ordered = np.sort(near, axis=1)  # NaN last
    known = np.count_nonzero(~np.isnan(near), axis=1)
    edges = []
    for at in ((1 - share) / 2, (1 + share) / 2):
        place = np.clip(at * (known + 1) - 1, 0, np.maximum(known - 1, 0))
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(known - 1, 0))
        one, two = (np.take_along_axis(ordered, each[:, None, :], axis=1)[:, 0, :] for each in (low, high))
        edges.append(np.where(known > 0, one + (place - low) * (two - one), np.nan))
    return edges[0], edges[1]


def _forecast(loads: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(series, days, 24) of whole weeks that begin on Mondays → the forecasts, NaN where there is none."""
    told, low, high = _told(loads, rest)
    count, days = loads.shape[:2]
    weeks = days // WEEK
    known = ~np.isnan(loads) & ~np.isnan(told).any(axis=3)
    flat = np.where(known[..., None], told, 0.0).reshape(count, weeks, WEEK * HOURS, -1)
    wanted = np.where(known, loads, 0.0).reshape(count, weeks, WEEK * HOURS, 1)
    turned = flat.swapaxes(2, 3)
    squares, products = turned @ flat, (turned @ wanted)[..., 0]
    hours = known.reshape(count, weeks, -1).sum(axis=2).astype(np.float64)
    squares, products, hours = (_trained(each) for each in (squares, products, hours))
    weights = _weights(squares, products)
    weights[hours < LEAST_KNOWN] = np.nan
    made = (told.reshape(count, weeks, WEEK * HOURS, -1) @ weights[..., None])[..., 0].reshape(loads.shape)
    reach = BEYOND * (high - low)
    return np.clip(made, (low - reach)[..., None], (high + reach)[..., None])


def _trained(weekly: np.ndarray) -> np.ndarray:
    """Sums over the weeks before each week, older ones counting less: (series, weeks, …)."""
    total = np.zeros_like(weekly)
    for back in range(1, min(TRAINED, weekly.shape[1] - 1) + 1):
        total[:, back:] += FORGET ** (back - 1) * weekly[:, :-back]
    return total


def _weights(squares: np.ndarray, products: np.ndarray) -> np.ndarray:
    size = len(PRIOR)
    each = np.maximum(np.trace(squares, axis1=2, axis2=3) / size, 1e-12)[..., None, None]
    held = HELD * each * np.eye(size)
    found: np.ndarray = np.linalg.solve(squares + held, (products + (held @ PRIOR))[..., None])[..., 0]
    return found


def _told(loads: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the past says of each hour: (series, days, 24, told); lowest and highest load of four weeks: (series, days)."""
    known = ~np.isnan(loads)
    value, weight = np.where(known, loads, 0.0), known.astype(np.float64)
    of_week, usual, long = (_over(*both) for both in zip(_sums(value), _sums(weight), strict=True))
    usual = _or(_or(usual, of_week), long)
    of_week = _or(of_week, long)
    same = _last_of_kind(rest)
    kind = np.where((same >= 0)[:, None], loads[:, np.maximum(same, 0)], np.nan)
    usual_then = np.where((same >= 0)[:, None], usual[:, np.maximum(same, 0)], np.nan)
    both = ~np.isnan(kind) & ~np.isnan(usual_then)
    ratio = np.where(both, kind, 0).sum(axis=2), np.where(both, usual_then, 0).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_level = np.clip(ratio[0] / ratio[1], *RATIO)
    at_level = np.where(np.isfinite(at_level), at_level, 1.0)[..., None] * usual
    yesterday = _back(loads, 1)
    off = (loads - usual)[:, :, -EVENING:]
    some = ~np.isnan(off)
    evening = np.where(some, off, 0).sum(axis=2) / np.maximum(some.sum(axis=2), 1)
    fading = np.exp(-(np.arange(HOURS) + 1) / FADES)
    level = np.broadcast_to(_level(long)[..., None], loads.shape)
    told = [
        _or(kind, usual),
        _or(_back(loads, WEEK), usual),
        usual,
        at_level,
        _or(yesterday, usual),
        of_week,
        level,
        _back(evening[..., None], 1, 0.0) * fading,
    ]
    lowest = np.min(np.where(known, loads, np.inf), axis=2)
    highest = np.max(np.where(known, loads, -np.inf), axis=2)
    low, high = _extreme(lowest, np.minimum, np.inf), _extreme(highest, np.maximum, -np.inf)
    return np.stack(told, axis=3), low, high


def _level(long: np.ndarray) -> np.ndarray:
    known = ~np.isnan(long)
    total: np.ndarray = np.where(known, long, 0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    return np.where(known.any(axis=2), total, np.nan)


def _last_of_kind(rest: np.ndarray) -> np.ndarray:
    """The place of the last day of the same kind before each day; -1 where there is none."""
    places = np.arange(len(rest))
    found = np.full(len(rest), -1)
    for kind in (True, False):
        seen = np.maximum.accumulate(np.where(rest == kind, places, -1))
        before = np.r_[-1, seen[:-1]]
        found = np.where(rest == kind, before, found)
    return found


def _sums(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the same hour, summed: the seven days before, the same weekday of four weeks before, and the 28 days before.

    Sums of sums, so that few additions make many, and none rests on what is further back.
    """
    one = _back(values, 1, 0.0)
    two = one + _back(one, 1, 0.0)
    week = two + _back(two, 2, 0.0) + _back(two, 4, 0.0) + _back(one, 6, 0.0)
    fortnight = week + _back(week, WEEK, 0.0)
    weekday = _back(values, WEEK, 0.0)
    both = weekday + _back(weekday, WEEK, 0.0)
    return week, both + _back(both, 2 * WEEK, 0.0), fortnight + _back(fortnight, 2 * WEEK, 0.0)


def _over(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _extreme(daily: np.ndarray, keep: np.ufunc, empty: float) -> np.ndarray:
    """The lowest or highest of the four weeks before each day; infinite where nothing is known, which clips nothing."""
    found = np.full_like(daily, empty)
    for lag in range(1, WEEK * PROFILE + 1):
        if lag < daily.shape[1]:
            found[:, lag:] = keep(found[:, lag:], daily[:, :-lag])
    return np.where(np.isfinite(found), found, -empty)


def _back(values: np.ndarray, days: int, empty: float = np.nan) -> np.ndarray:
    """Each day's values as those of `days` days before."""
    moved = np.full_like(values, empty)
    if days < values.shape[1]:
        moved[:, days:] = values[:, :-days]
    return moved


def _or(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(first), second, first)
