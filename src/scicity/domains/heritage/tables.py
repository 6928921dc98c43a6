"""The tables of heritage, found here by name."""

from __future__ import annotations

from scicity.domains.heritage.checked import height_check  # noqa: F401
from scicity.domains.heritage.sources import CORRIDOR, RULE, SITE  # noqa: F401
from scicity.domains.heritage.standing import site_area, site_standing  # noqa: F401
