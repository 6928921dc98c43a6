"""The front of cost and carbon of stations whose plans can be listed by hand."""

import pytest

from scicity.domains.optimisation.methods.front import limited, weighed
from scicity.domains.optimisation.methods.solving import Weights
from scicity.domains.optimisation.methods.station import Converter, Demand, Device, Station, Supply

GRID, GAS = Supply("grid", "e", 1.0, 0.9, limit=50.0), Supply("gas", "g", 0.5, 0.2)


def station(*devices: Device) -> Station:
    return Station("s", {"e": "electricity", "g": "gas"}, [GRID, GAS, *devices, Demand("d", "e", 10.0)], 1, 1.0)


def test_weights_turn_at_the_price_of_the_saving() -> None:
    # by gas a kWh costs 0.25 more and saves 0.4 kg: 0.625 a kg
    turbine = Converter("turbine", "g", "e", 100.0, 0.4)
    below, above = weighed(station(turbine), [Weights(1.0, 0.62), Weights(1.0, 0.63)])
    assert (below.cost, below.carbon) == (pytest.approx(10.0), pytest.approx(9.0))
    assert (above.cost, above.carbon) == (pytest.approx(12.5), pytest.approx(5.0))


def test_limits_go_from_the_cheapest_to_the_cleanest() -> None:
    front = limited(station(Converter("turbine", "g", "e", 100.0, 0.4)), 5)
    assert [point.plan.carbon for point in front] == pytest.approx([9, 8, 7, 6, 5], rel=1e-6)
    assert [point.plan.cost for point in front] == pytest.approx([10, 10.625, 11.25, 11.875, 12.5], rel=1e-6)
    assert front[2].price == pytest.approx(0.625)


def test_limits_find_what_no_weights_find() -> None:
    # three plans: the grid alone (10, 9 kg), 4 kW of the small engine (11.556, 7.622 kg), 8 kW of the large one (12, 5.8 kg);
    # the second lies above the line from the first to the third
    small = Converter("small", "g", "e", 4.0, 0.36, minimum=1.0)
    large = Converter("large", "g", "e", 8.0, 0.4, minimum=1.0)
    front = limited(station(small, large), 5)
    assert [point.limit for point in front] == pytest.approx([9.0, 8.2, 7.4, 6.6, 5.8])
    assert [point.plan.cost for point in front] == pytest.approx([10, 6 + 0.5 * 4 / 0.36, 12, 12, 12])
    assert front[0].price is None
    found = {round(each.cost, 6) for each in weighed(station(small, large), [Weights(1.0, at / 50) for at in range(100)])}
    assert found == {10.0, 12.0}


def test_a_front_has_two_ends() -> None:
    with pytest.raises(ValueError, match="front"):
        limited(station(), 1)
