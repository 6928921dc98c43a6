"""Addresses below /carbon/."""

from django.urls import path

from scicity.domains.carbon.pages import views

urlpatterns = [
    path("", views.carbon, name="carbon"),
    path("enterprises/", views.enterprises, name="enterprises"),
    path("enterprises/<str:enterprise>/", views.enterprise, name="enterprise"),
    path("inventory/", views.inventory, name="inventory"),
    path("certificates/", views.certificates, name="certificates"),
    path("cogeneration/", views.cogeneration, name="cogeneration"),
    path("changes/", views.changes, name="changes"),
]
