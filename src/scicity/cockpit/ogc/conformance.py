"""What is answered, by the URIs of the standards' conformance classes; tests ask for each of them.

Sources: OGC 17-069r4 (Features Part 1), 18-058r1 (Part 2), 19-079r2 (Part 3), 21-065r2 (CQL2), 20-002r1 (Part 4, a draft),
20-057 (Tiles Part 1), 17-083r4 (tile matrix sets).
`basic-spatial-operators` is the name that drafts of CQL2 had for `basic-spatial-functions`; QGIS asks for the former.
"""

from __future__ import annotations

SPEC = "http://www.opengis.net/spec/"
FEATURES = {
    "ogcapi-features-1/1.0": ("core", "oas30", "html", "geojson"),
    "ogcapi-features-2/1.0": ("crs",),
    "ogcapi-features-3/1.0": ("queryables", "queryables-query-parameters", "filter", "features-filter"),
    "cql2/1.0": (
        *("cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison"),
        *(
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-operators",
            "basic-spatial-functions-plus",
        ),
        *("spatial-functions", "temporal-functions", "arithmetic"),
    ),
    "ogcapi-features-4/1.0": ("create-replace-delete", "update", "features", "optimistic-locking-etags"),
    "ogcapi-tiles-1/1.0": ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt"),
    "tms/2.0": ("tilematrixset", "json-tilematrixset", "tilesetmetadata", "json-tilesetmetadata"),
}
CONFORMS = [f"{SPEC}{part}/conf/{name}" for part, names in FEATURES.items() for name in names]
