"""Addresses below /circles/."""

from django.urls import path

from scicity.domains.circles.pages import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("gaps/", views.gaps, name="gaps"),
    path("homes.geojson", views.homes, name="homes"),
    path("cells/<str:cell>/", views.cell, name="cell"),
    path("best/", views.best, name="best"),
    path("schools/", views.schools, name="schools"),
    path("sdg/", views.sdg, name="sdg"),
]
