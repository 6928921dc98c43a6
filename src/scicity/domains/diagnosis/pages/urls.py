"""Addresses below /diagnosis/."""

from django.urls import path

from scicity.domains.diagnosis.pages import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("measures/", views.measures, name="measures"),
    path("buildings/<str:building>/", views.building, name="building"),
]
