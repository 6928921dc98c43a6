"""Addresses of documents, below /documents/."""

from __future__ import annotations

from django.urls import path

from scicity.documents import tus, views

urlpatterns = [
    path("", views.mine, name="documents"),
    path("uploads/", tus.uploads, name="uploads"),
    path("uploads/<uuid:upload>", tus.upload, name="upload"),
    path("uploads/<uuid:upload>/discard", views.discard, name="upload-discard"),
    path("attach/", views.attach, name="document-attach"),
    path("of/<path:subject>/", views.of_subject, name="documents-of"),
    path("<int:document>/", views.document, name="document"),
    path("<int:document>/<int:number>/", views.download, name="document-version"),
]
