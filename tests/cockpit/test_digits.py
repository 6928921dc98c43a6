"""Numbers as people read them."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from scicity.cockpit import digits
from scicity.cockpit.opening import clauses_of, path_of


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (None, "—", "—"),
        (float("nan"), "—", "—"),
        (0, "0", "0"),
        (Decimal("0.000000"), "0", "0"),
        (1234.5678, "1,235", "1,235"),
        (12.345678, "12.35", "12.35"),
        (0.00012345, "0.0001234", "0.0001234"),
        (-98765.4, "-98,765", "-98,765"),
        (123456.7, "12.35 万", "123,457"),
        (Decimal("1234567890.123456"), "12.35 亿", "1,234,567,890"),
        (99999, "99,999", "99,999"),
        (True, "是", "yes"),
        ("500余件", "500余件", "500余件"),
    ],
)
def test_written(value, zh, en):
    assert digits.written(value, "zh") == zh
    assert digits.written(value, "en") == en


def test_every_digit_where_asked():
    assert digits.written(Decimal("1234567.120000"), "zh", full=True) == "1,234,567.12"
    assert digits.written(1e-7, "en", full=True) == "0.0000001"


def test_a_share_is_never_rounded_up_to_the_whole():
    assert digits.share(0.99999) == "99.9 %"
    assert digits.share(1) == "100 %"


def test_larger_units():
    assert digits.in_larger_unit(Decimal("37070000"), "kWh", "en") == (Decimal("37.07"), "GWh")
    assert digits.in_larger_unit(Decimal("37070000"), "kWh", "zh") == (Decimal("37070000"), "kWh")
    assert digits.in_larger_unit(170600000.0, "m²", "zh") == (Decimal("170.6"), "km²")
    assert digits.in_larger_unit(None, "kg", "zh") == (None, "kg")


def test_moments_are_local():
    at = datetime(2021, 5, 4, 16, tzinfo=UTC)
    assert digits.moment(at, ZoneInfo("Asia/Shanghai")) == "2021-05-05 00:00"


def test_paths_are_readable_and_reversible():
    assert path_of("a.b.c/meter=%E8%A1%A8%E4%BA%8C") == "/why/a.b.c/meter=%E8%A1%A8%E4%BA%8C"
    assert path_of("a.b.c/meter=m%2F1@3") == "/why/a.b.c/meter=m%252F1@3"
    assert path_of("a.b.c/hour=2021-05-05T00%3A00%3A00Z") == "/why/a.b.c/hour=2021-05-05T00:00:00Z"


def test_clauses_are_found():
    assert clauses_of("The mean. Source: GB 3095-2012, table 1.") == ("Source: GB 3095-2012, table 1",)
    assert clauses_of("Rounds half to even.") == ()
