"""Addresses below /planning/."""

from django.urls import path

from scicity.domains.planning.pages import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("plans/<str:plan>/", views.plan, name="plan"),
    path("conflicts/", views.conflicts, name="conflicts"),
    path("conflicts/<str:conflict>/", views.conflict, name="conflict"),
    path("land/", views.land, name="land"),
]
