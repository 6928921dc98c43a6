"""Addresses below /evidence/."""

from django.urls import path

from scicity.domains.evidence.pages import drafting, views

urlpatterns = [
    path("", views.findings, name="findings"),
    path("text/", views.text, name="text"),
    path("draft/", drafting.draft, name="draft"),
    path("draft/<int:number>/", drafting.kept, name="kept"),
    path("findings/<path:name>/", views.finding, name="finding"),
]
