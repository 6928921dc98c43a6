"""Addresses below /carbon/."""

from django.urls import path

from scicity.domains.carbon.pages import views

urlpatterns = [path("", views.carbon, name="carbon")]
