"""The register of buildings."""

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
