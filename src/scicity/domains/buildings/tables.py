"""The registers of buildings and of the enterprises in them; labels, ratings and promises are found here by name."""

from scicity.domains.buildings.entered import SHEET_ENTERED, sheet_stated  # noqa: F401
from scicity.domains.buildings.labels import LABEL, label_held, label_yearly  # noqa: F401
from scicity.domains.buildings.performance import performance_to_date, performance_yearly, promise_yearly  # noqa: F401
from scicity.domains.buildings.promises import (  # noqa: F401
    MEASURE,
    PROMISE,
    TOLERANCE,
    measured_monthly,
    measured_yearly,
    promise_stated,
)
from scicity.domains.buildings.schemes import CATEGORY, ITEM, LEVEL, SCHEME  # noqa: F401
from scicity.domains.buildings.scores import ENTRY, SHEET, score, score_category  # noqa: F401
from scicity.kernel.tables import source

building = source(
    "buildings.building",
    path="registers/buildings.csv",
    columns=["building", "zone", "name_zh", "name_en", "use", "floor_area", "longitude", "latitude", "origin", "source"],
    optional=("use", "floor_area", "longitude", "latitude", "source"),
    grain=["building"],
    references={"zone": "district.zone.zone"},
    ranges={"floor_area": (1, 10_000_000), "longitude": (-180, 180), "latitude": (-90, 90)},
    title_zh="建筑",
    title_en="Buildings",
    doc="The buildings of the district: zone, use and gross floor area.",
)

enterprise = source(
    "buildings.enterprise",
    path="registers/enterprises.csv",
    columns=["enterprise", "name_zh", "name_en", "zone", "sector", "origin", "source"],
    optional=("sector", "source"),
    grain=["enterprise"],
    references={"zone": "district.zone.zone"},
    title_zh="企业",
    title_en="Enterprises",
    doc="The enterprises and bodies that use the district's buildings: zone, sector, and where the row comes from. Whose "
    "energy a meter counts stands in energy.membership.",
)
