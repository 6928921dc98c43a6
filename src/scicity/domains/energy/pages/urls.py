"""Addresses below /energy/."""

from django.urls import path

from scicity.domains.energy.pages import views

urlpatterns = [
    path("", views.energy, name="energy"),
    path("buildings/<str:building>/", views.building, name="building"),
]
