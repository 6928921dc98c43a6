"""Addresses below /reports/annual/."""

from django.urls import path

from scicity.cockpit.annual import editing, views

urlpatterns = [
    path("", views.overview, name="annual"),
    path("template/<str:spoken>/", editing.template, name="annual-template"),
    path("<int:year>/", views.year, name="annual-year"),
    path("<int:year>/act/", views.act, name="annual-act"),
    path("<int:year>/<str:spoken>.<str:form>", views.file, name="annual-file"),
]
