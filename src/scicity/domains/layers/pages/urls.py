"""Addresses below /layers/."""

from django.urls import path

from scicity.domains.layers.pages import views

urlpatterns = [
    path("", views.layers, name="layers"),
    path("<slug:name>/", views.layer, name="layer"),
    path("<slug:name>/difference/", views.difference, name="difference"),
]
