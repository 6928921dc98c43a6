"""Addresses below /indicators/."""

from django.urls import path

from scicity.domains.indicators.pages import keeping, views

urlpatterns = [
    path("", views.board, name="board"),
    path("of/<str:name>/", views.indicator, name="indicator"),
    path("editions/", views.editions, name="editions"),
    path("revisions/", keeping.revisions, name="revisions"),
    path("revisions/<int:number>/", keeping.revision, name="revision"),
    path("duties/", keeping.duties, name="duties"),
    path("conformity/", keeping.conformity, name="conformity"),
    path("statements/", views.statements, name="statements"),
]
