"""The tables of optimisation: stations as data, what they meet, their plans beside their rules, and what was said of them."""

from scicity.domains.optimisation.inputs import (  # noqa: F401  (found here by name)
    horizon,
    input_hourly,
    metered_demand,
    weather_hourly,
    weather_of_date,
    weather_used,
)
from scicity.domains.optimisation.planned import design, front, plan, plan_gap  # noqa: F401
from scicity.domains.optimisation.sources import CLAIM, DEMAND, STATION, TARIFF, UNIT  # noqa: F401
from scicity.domains.optimisation.told import (  # noqa: F401
    claim_check,
    design_saving,
    design_yearly,
    plan_daily,
    plan_saving,
    plan_saving_monthly,
)
