"""Addresses below /buildings/."""

from django.urls import path

from scicity.domains.buildings.pages import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("promises/", views.promises, name="promises"),
    path("schemes/<str:scheme>/", views.scheme, name="scheme"),
    path("sheets/<str:sheet>/", views.sheet, name="sheet"),
    path("buildings/<str:building>/", views.building, name="building"),
]
