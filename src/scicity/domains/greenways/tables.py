"""The tables of parks, greenways and slow traffic, found here by name."""

from __future__ import annotations

from scicity.domains.greenways.parks import green_account, park, park_circle  # noqa: F401
from scicity.domains.greenways.sources import CLAIM, OWN_PARK, OWN_THRESHOLD, PARK, THRESHOLD, WAY  # noqa: F401
from scicity.domains.greenways.ways import claim_check, greenway_length, slow_density, street_shade  # noqa: F401
