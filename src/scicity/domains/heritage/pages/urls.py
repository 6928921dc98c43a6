"""Addresses below /heritage/."""

from django.urls import path

from scicity.domains.heritage.pages import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("sites/<str:site>/", views.site, name="site"),
]
