"""A year of many buildings to their baselines: models, how well they tell, whether they may be relied upon and why not.

Figures of a model are kept as text, so that a row holds its model whole: six atoms (working and rest days of three seasons) of
base, heating slope and point, cooling slope and point. Energies [kWh/d], temperatures [degC].

Source: `baseline`, `sufficiency` and `goodness`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scicity.domains.diagnosis.methods import baseline, goodness, sufficiency
from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.choosing import FIGURES, told
from scicity.domains.diagnosis.methods.frames import EPOCH
from scicity.domains.diagnosis.methods.splits import ATOMS, SPLITS

NO_WEATHER, FEW, CHANGE = "no weather", "too few days", "change point"
SIX = 6  # decimals
SHAPE_NAMES = ("flat", "heating", "cooling", "both")


def rules(limits: Mapping[str, float]) -> sufficiency.Rules:
    """The limits of the district as the refusals take them."""
    return sufficiency.Rules(
        fewest_days=round(limits["baseline_days"]),
        worst_fit=limits["baseline_worst_fit"],
        largest_step=limits["step_share"],
    )


def modelled(load: Floats, shared: baseline.Days, limits: Mapping[str, float]) -> list[dict[str, Any]]:
    """A row for each series of load (S, D) [kWh/d]: its model, goodness, and the reasons for which it is refused."""
    if not len(load):
        return []
    model = baseline.fit(load, shared)
    refused = sufficiency.refusal(load, shared, model, rules(limits))
    predicted = baseline.predict(model, shared)
    within = np.where(model.outlier, np.nan, load)
    cv = goodness.cv_rmse(within, predicted, model.parameters)
    bias = goodness.nmbe(within, predicted, model.parameters)
    explained = goodness.r_squared(within, predicted)
    effective = model.effective_days
    sure = sure_steps(
        np.where(model.outlier, np.nan, load - predicted), refused.step * mean_of(load), refused.since, shared.number
    )
    rows = []
    for number in range(len(load)):
        reasons = refused.reasons(number)
        if sure[number] and abs(refused.step[number]) > limits["step_share"] and CHANGE not in reasons:
            reasons.append(CHANGE)
        stepped = sure[number] and FEW not in reasons
        rows.append(
            {
                "model_shape": shape_of(model.figures[number]),
                "model_split": SPLITS[model.split[number]].name,
                "parameter_count": int(model.parameters[number]),
                "days": int(model.known[number]),
                "effective_days": finite(effective[number]),
                "cv_rmse": finite(cv[number]),
                "nmbe": finite(np.round(bias[number], SIX)),  # least squares leave rounding alone
                "r_squared": finite(explained[number]),
                "accepted": not reasons,
                "reason": ", ".join(reasons) or None,
                "step_share": finite(refused.step[number]) if stepped else None,
                "step_day": EPOCH + np.timedelta64(int(refused.since[number]), "D").item() if stepped else None,
                "model_figures": written(model.figures[number]),
            }
        )
    return rows


def mean_of(load: Floats) -> Floats:
    """The mean of what is known of each series (S,); 0 where nothing is."""
    known = np.isfinite(load)
    mean: Floats = np.where(known, load, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean


def sure_steps(rest: Floats, step: Floats, since: Ints, number: Ints) -> Bools:
    """Which steps are no chance (S,): measured against the spread of the rests (S, D) from which the step was taken away.

    `sufficiency` measures them against the rests as they are, where a clean step passes for days that resemble each other.
    step (S,) [load] from the day `since` (S,) on; days in ascending order. The test is that of cumulated sums.
    """
    known = np.isfinite(rest)
    after = number[None, :] >= since[:, None]
    left = np.where(after, rest - step[:, None], rest)
    left -= mean_of(left)[:, None]
    count, later = known.sum(axis=1), (known & after).sum(axis=1)
    spread = np.sqrt((np.where(known, left, 0.0) ** 2).sum(axis=1) / np.maximum(count, 1))
    wide = spread * np.sqrt(count * goodness.lasting(left, number))
    far = np.abs(step) * later * (count - later) / np.maximum(count, 1)
    sure: Bools = (since >= 0) & (far > sufficiency.BRIDGE * wide)
    return sure


def shape_of(figures: Floats) -> str:
    """Whether a model (A, 5) knows heating, cooling, both or neither, on any kind of day."""
    heats, cools = (bool((np.nan_to_num(figures[:, column]) > 0).any()) for column in (1, 3))
    return SHAPE_NAMES[heats + 2 * cools]


def finite(value: Any) -> float | None:
    """A number, or None where it is not known."""
    return float(value) if np.isfinite(value) else None


def written(figures: Floats) -> str:
    """A model (A, 5) as text, every digit kept."""
    return json.dumps([[finite(value) for value in atom] for atom in figures], separators=(",", ":"))


def read(texts: Sequence[str | None]) -> Floats:
    """Models as they were written: (S, A, 5), NaN where nothing is known."""
    result = np.full((len(texts), ATOMS, FIGURES), np.nan)
    for number, text in enumerate(texts):
        if text:
            result[number] = np.array(json.loads(text), dtype=float)
    return result


def expected(texts: Sequence[str | None], shared: baseline.Days) -> Floats:
    """What models would use on days (S, D) [kWh/d]; NaN where temperature or base is not known."""
    if not texts:
        return np.zeros((0, len(shared.number)))
    return told(read(texts), shared.temperature, shared.atom)
