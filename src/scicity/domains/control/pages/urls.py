"""Addresses below /control/."""

from django.urls import path

from scicity.domains.control.pages import deciding, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("scopes/<str:kind>/<str:scope>/", views.scope, name="scope"),
    path("budget/", deciding.budget, name="budget"),
]
