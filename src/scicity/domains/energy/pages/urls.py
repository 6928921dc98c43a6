"""Addresses below /energy/."""

from django.urls import path

from scicity.domains.energy.pages import boards, entering, meters, tenants, views

urlpatterns = [
    path("", views.energy, name="energy"),
    path("balance/", boards.balance, name="balance"),
    path("load/", boards.load, name="load"),
    path("items/", boards.items, name="items"),
    path("cost/", boards.cost, name="cost"),
    path("enterprises/", tenants.enterprises, name="enterprises"),
    path("enterprises/<path:enterprise>/", tenants.enterprise, name="enterprise"),
    path("virtual/", meters.virtuals, name="virtuals"),
    path("virtual/new/", entering.virtual, name="virtual-new"),
    path("virtual/<int:record>/", entering.virtual, name="virtual-change"),
    path("meters/<path:meter>/", meters.meter, name="meter"),
    path("buildings/<str:building>/", views.building, name="building"),
]
