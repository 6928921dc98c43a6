"""Addresses below /greenways/."""

from django.urls import path

from scicity.domains.greenways.pages import views

urlpatterns = [path("", views.overview, name="overview")]
