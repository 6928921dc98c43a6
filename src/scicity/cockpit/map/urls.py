"""Addresses below /map/."""

from __future__ import annotations

from django.urls import path, re_path

from scicity.cockpit.map import asking
from scicity.cockpit.views import map

urlpatterns = [
    path("", map.page, name="map"),
    path("layers/<slug:name>.geojson", map.layer, name="map-layer"),
    path("layers/<slug:layer>/", asking.about, name="map-about"),
    path("points/<str:table>.geojson", map.points, name="map-points"),
    path("values/", asking.catalogue, name="map-values"),
    re_path(r"^values/(?P<table>[\w.-]+)/(?P<column>\w+)\.geojson$", asking.figures, name="map-figures"),
    path("section/", asking.section, name="map-section"),
    path("trace/", asking.trace, name="map-trace"),
    path("select/", asking.select, name="map-select"),
    re_path(r"^select\.(?P<form>geojson|csv)$", asking.export, name="map-export"),
    path("sheet.pdf", asking.pdf, name="map-sheet"),
    path("shapes/<slug:layer>/<path:feature>.geojson", asking.shape, name="map-shape"),
    path("features/<slug:layer>/<path:feature>/", asking.page, name="map-feature"),
]
