"""Addresses below /evidence/."""

from django.urls import path

from scicity.domains.evidence.pages import views

urlpatterns = [path("", views.board, name="board")]
