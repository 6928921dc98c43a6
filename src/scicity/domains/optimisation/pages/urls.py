"""Addresses below /optimisation/."""

from django.urls import path

from scicity.domains.optimisation.pages import views

urlpatterns = [
    path("", views.board, name="board"),
    path("stations/<str:station>/", views.station, name="station"),
]
