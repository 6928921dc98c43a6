"""The WSGI application that Granian serves: `granian --interface wsgi scicity.cockpit.wsgi:application`."""

from __future__ import annotations

import logging
import os
import threading

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scicity.cockpit.settings")
behind = get_wsgi_application()  # the cockpit; Django stands from here on

from scicity.cockpit.door import Door  # noqa: E402
from scicity.cockpit.patience import Patience  # noqa: E402
from scicity.operation.logs import with_request_id  # noqa: E402

application = with_request_id(Patience(Door(behind)))


def warm() -> None:
    """Asks for the leader's screen once, so that the first reader does not wait for the tables to be opened."""
    from django.conf import settings

    from scicity.cockpit.city import open_city
    from scicity.cockpit.views.overview import gathered

    try:
        gathered(open_city(settings.PLACE))
    except Exception:  # the page itself will tell the reader
        logging.getLogger(__name__).exception("the leader's screen could not be prepared")


threading.Thread(target=warm, name="warm", daemon=True).start()
