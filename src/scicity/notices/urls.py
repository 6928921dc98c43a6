"""Addresses of notices, below /notices/."""

from __future__ import annotations

from django.urls import path

from scicity.notices import views

urlpatterns = [
    path("", views.page, name="notices"),
    path("<int:number>/", views.opened, name="notice"),
]
