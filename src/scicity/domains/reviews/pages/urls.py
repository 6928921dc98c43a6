"""Addresses below /reviews/."""

from django.urls import path

from scicity.domains.reviews.pages import applying, at_case, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("tasks/", views.tasks, name="tasks"),
    path("new/", applying.new, name="new"),
    path("parcels/", views.parcels, name="parcels"),
    path("processes/", views.processes, name="processes"),
    path("decisions/", views.decisions, name="decisions"),
    path("cases/<str:number>/", at_case.case, name="case"),
]
