"""The addresses below /ogc/."""

from __future__ import annotations

from django.urls import path

from scicity.cockpit.ogc import downloads, taking, tiles, views

urlpatterns = [
    path("", views.home, name="ogc"),
    path("conformance", views.conformance, name="ogc-conformance"),
    path("api", views.api, name="ogc-api"),
    path("ledger/", taking.ledger, name="ogc-ledger"),
    path("ledger.csv", taking.table, name="ogc-ledger-table"),
    path("collections", views.all_collections, name="ogc-collections"),
    path("collections/<str:name>", views.one_collection, name="ogc-collection"),
    path("collections/<str:name>/queryables", views.queryable, name="ogc-queryables"),
    path("collections/<str:name>/ledger", taking.ledger, name="ogc-layer-ledger"),
    path("collections/<str:name>/items", views.items, name="ogc-items"),
    path("collections/<str:name>/items/<path:feature>", views.item, name="ogc-item"),
    path("collections/<str:name>/download.<str:form>", downloads.download, name="ogc-download"),
    *tiles.urlpatterns,
]
