"""The web process: `gunicorn config.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from batches import hinter  # noqa: E402  (models are there only now)

hinter.use_thread()
