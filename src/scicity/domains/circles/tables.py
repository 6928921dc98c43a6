"""Who reaches what: networks, facilities, access, circles, best places, places at schools, land and open space."""

from __future__ import annotations

from scicity.domains.circles.covered import circle_coverage, class_coverage  # noqa: F401  (found here by name)
from scicity.domains.circles.destinations import door, facility  # noqa: F401
from scicity.domains.circles.lands import land_growth, open_space  # noqa: F401
from scicity.domains.circles.reached import access, circle_cell  # noqa: F401
from scicity.domains.circles.residents import home, resident  # noqa: F401
from scicity.domains.circles.schools import school, school_zone  # noqa: F401
from scicity.domains.circles.sited import siting_choice, siting_outcome  # noqa: F401
from scicity.domains.circles.sources import (  # noqa: F401
    ATTRIBUTE,
    CANDIDATE,
    CIRCLE,
    CLASS,
    DAY,
    EXTENT,
    GROUP,
    MODE,
    NETWORK,
    OWN_ATTRIBUTE,
    OWN_CIRCLE,
    OWN_CLASS,
    OWN_DAY,
    OWN_MODE,
    OWN_NETWORK,
    OWN_PART,
    OWN_WAY,
    PART,
    SITING,
    WAY,
)
from scicity.domains.circles.streets import edge  # noqa: F401
