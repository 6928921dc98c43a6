"""Who may pass which way, by rules that are data."""

from __future__ import annotations

import numpy as np
import pytest

from scicity.domains.circles.methods.network import FORBIDDEN
from scicity.domains.circles.methods.ways import AttributeRule, ClassRule, Mode, paces, percent, tobler

CLASSES = [ClassRule("residential", True), ClassRule("motorway", False), ClassRule("crossing", True, delay=20.0)]
ATTRIBUTES = [
    AttributeRule("access", "private", "closed", 1),
    AttributeRule("oneway", "yes", "forward", 2),
    AttributeRule("foot", "yes", "open", 3),
]
NONE = np.array([None], dtype=object)


def words(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


def told(ways: int, **given: tuple[str | None, ...]) -> dict[str, np.ndarray]:
    return {rule.attribute: words(*given.get(rule.attribute, (None,) * ways)) for rule in ATTRIBUTES}


def test_a_class_opens_a_way_and_attributes_of_higher_priority_count() -> None:
    classes = words("residential", "motorway", "residential", "residential", "unheard of", None)
    attributes = told(6, access=(None, None, "private", "private", None, None), foot=(None, None, None, "yes", None, None))
    pace = paces(Mode(1.25), CLASSES, ATTRIBUTES, classes, attributes, np.full(6, np.nan))
    assert pace.forward.tolist() == [0.8, FORBIDDEN, FORBIDDEN, 0.8, FORBIDDEN, FORBIDDEN]
    assert pace.backward.tolist() == pace.forward.tolist()


def test_one_way_closes_one_direction() -> None:
    pace = paces(Mode(2.0), CLASSES, ATTRIBUTES, words("residential"), told(1, oneway=("yes",)), np.zeros(1))
    assert (pace.forward[0], pace.backward[0]) == (0.5, FORBIDDEN)


def test_a_rule_for_bicycles_outweighs_the_one_way_of_all() -> None:
    rules = [*ATTRIBUTES, AttributeRule("oneway:bicycle", "no", "both_ways", 4)]
    attributes = told(2, oneway=("yes", "yes"), access=("private", None)) | {"oneway:bicycle": words("no", "no")}
    pace = paces(Mode(1.0), CLASSES, rules, words("residential", "residential"), attributes, np.zeros(2))
    assert pace.backward.tolist() == [FORBIDDEN, 1.0]  # it opens a direction, and not what is closed


def test_the_delay_of_a_class_and_its_speed() -> None:
    rules = [*CLASSES, ClassRule("steps", True, speed=0.5)]
    pace = paces(Mode(1.0), rules, [], words("crossing", "steps"), {}, np.zeros(2))
    assert pace.delay.tolist() == [20.0, 0.0]
    assert pace.forward.tolist() == [1.0, 2.0]


def test_slopes_slow_down_as_tobler_says() -> None:
    # 6 exp(-3.5 |s + 0.05|) km/h: 5.0368 on the flat, 6 at 5 % down, 4.2282 at 5 % up
    assert tobler(np.array([0.0, -0.05, 0.05])) * 5.03674 == pytest.approx([5.03674, 6.0, 4.22813], abs=1e-4)
    pace = paces(Mode(1.0, "tobler"), CLASSES, [], words("residential", "residential"), {}, np.array([5.0, np.nan]))
    assert pace.forward[0] > 1 > pace.backward[0]
    assert pace.forward[1] == 1.0


def test_what_is_too_steep_is_closed_and_what_is_not_known_is_not() -> None:
    classes = words("residential", "residential", "residential")
    pace = paces(Mode(1.0, "none", 8.0), CLASSES, [], classes, {}, np.array([-9.0, 8.0, np.nan]))
    assert pace.forward.tolist() == [FORBIDDEN, 1.0, 1.0]


def test_slopes_as_people_write_them() -> None:
    found = percent(words("5%", "-3.5 %", "+2", "up", "", None, "10°"))
    assert found[:3].tolist() == [5.0, -3.5, 2.0]
    assert np.isnan(found[3:]).all()
