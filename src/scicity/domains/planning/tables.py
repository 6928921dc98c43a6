"""The tables of planning, found here by name."""

from __future__ import annotations

from typing import Any

from scicity.domains.planning import compared, decided
from scicity.domains.planning.decided import resolution  # noqa: F401
from scicity.domains.planning.followed import observation, plan_count, target_progress  # noqa: F401
from scicity.domains.planning.land import (  # noqa: F401
    account_balance,
    blue_green_account,
    land_use_account,
    reserve_account,
    reserve_use,
)
from scicity.domains.planning.sources import (  # noqa: F401
    COMPATIBLE,
    DAY,
    KIND,
    LAND_USE,
    LINE,
    MONITORING,
    OWN_LINE,
    OWN_THRESHOLD,
    PLAN,
    TARGET,
    THRESHOLD,
    WORD,
)
from scicity.kernel.tables import Table


def tables_of(district: Any) -> list[Table]:
    """The tables over the plans of a district, whose layers its register of plans names."""
    return [*compared.tables_of(district), decided.conflict_state]
