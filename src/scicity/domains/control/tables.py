"""The tables of dual control, found here by name."""

from __future__ import annotations

from scicity.domains.control.allocation import allocation  # noqa: F401
from scicity.domains.control.budgets import (  # noqa: F401
    budget_decided,
    budget_in_force,
    budget_state,
    burn_down_monthly,
    emission_used,
    energy_used,
    outlook_error,
    use_monthly,
)
from scicity.domains.control.loads import forecast_error, forecast_skill, load_day, load_forecast  # noqa: F401
from scicity.domains.control.sources import BUDGET, MEASURE, RULE  # noqa: F401
from scicity.domains.control.warnings import budget_warning, day_warning, warning  # noqa: F401
