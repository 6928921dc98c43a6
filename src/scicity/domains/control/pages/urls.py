"""Addresses below /control/."""

from django.urls import path

from scicity.domains.control.pages import deciding, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("holders/<str:kind>/<str:holder>/", views.holder, name="holder"),
    path("budget/", deciding.budget, name="budget"),
]
