"""Addresses below /environment/."""

from django.urls import path

from scicity.domains.environment.pages import views

urlpatterns = [path("", views.air, name="air")]
