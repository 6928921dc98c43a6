"""Addresses below /indicators/."""

from django.urls import path

from scicity.domains.indicators.pages import views

urlpatterns = [
    path("", views.board, name="board"),
    path("statements/", views.statements, name="statements"),
]
