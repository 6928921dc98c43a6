"""Addresses: the cockpit's own, and one prefix per domain that brings pages; no domain is named here."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from scicity.cockpit import accounts, discovery
from scicity.cockpit.api import api
from scicity.cockpit.sensorthings.views import service
from scicity.cockpit.views import (
    arrival,
    audit_trail,
    closing,
    data,
    errors,
    glossary,
    health,
    language,
    live,
    open_data,
    operation,
    overview,
    reports,
    why,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("map/", include("scicity.cockpit.map.urls")),
    path("why/<path:address>", why.why, name="why"),
    path("glossary/", glossary.glossary, name="glossary"),
    path("data/", data.tables, name="data"),
    path("data/<str:name>/", data.table, name="data-table"),
    path("language/", language.choose, name="language"),
    path("accounts/login/", accounts.Login.as_view(), name="login"),
    path("accounts/logout/", accounts.Logout.as_view(), name="logout"),
    path("accounts/password/", accounts.PasswordChange.as_view(), name="password-change"),
    path("admin/login/", accounts.Login.as_view()),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("sta/v1.1", service),
    path("sta/v1.1/", service, name="sensorthings"),
    path("sta/v1.1/<path:rest>", service),
    path("ogc/", include("scicity.cockpit.ogc.urls")),
    path("live/", live.events, name="live"),
    path("closing/", closing.page, name="closing"),
    path("reports/", reports.page, name="reports"),
    path("reports/annual/", include("scicity.cockpit.annual.urls")),
    path("reports/<str:year>/building-energy.<str:form>", reports.building_energy, name="building-energy"),
    path("reports/<str:period>/<str:spoken>.<str:form>", reports.report, name="report"),
    path("open-data/", open_data.page, name="open-data"),
    path("open-data/catalog.jsonld", open_data.catalogue, name="open-data-catalogue"),
    path("open-data/structure.xml", open_data.structure, name="open-data-structure"),
    path("open-data/open-sdg.zip", open_data.open_sdg, name="open-data-open-sdg"),
    path("open-data/<slug:name>.sdmx.csv", open_data.dataset, {"form": "sdmx.csv"}, name="open-data-sdmx"),
    path("open-data/<slug:name>.<str:form>", open_data.dataset, name="open-data-file"),
    path("operation/", operation.page, name="operation"),
    path("arrival/", arrival.page, name="arrival"),
    path("audit-trail/", audit_trail.page, name="audit-trail"),
    path("audit-trail/audit-trail.csv", audit_trail.table, name="audit-trail-table"),
    path("documents/", include("scicity.documents.urls")),
    path("notices/", include("scicity.notices.urls")),
    path("healthz", health.health, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    *(
        path(f"{domain}/{name}/", page.show, name=f"{domain}-{name}")
        for domain in discovery.with_pages()
        for name, page in discovery.single_pages(domain).items()
    ),
    *(
        path(f"{domain}/", include((f"{discovery.DOMAINS}.{domain}.pages.urls", domain), namespace=domain))
        for domain in discovery.with_pages()
    ),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
