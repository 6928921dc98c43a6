"""Addresses below /devices/."""

from django.urls import path

from scicity.domains.devices.pages import views

urlpatterns = [
    path("", views.devices, name="devices"),
    path("health.csv", views.export, name="export"),
    path("stream/<path:datastream>/", views.stream, name="stream"),
]
