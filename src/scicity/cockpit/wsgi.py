"""The WSGI application that Granian serves: `granian --interface wsgi scicity.cockpit.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scicity.cockpit.settings")
application = get_wsgi_application()
