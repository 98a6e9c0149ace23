"""Create the WSGI application, which `python -m config.web` serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from batches import hints  # noqa: E402  (imports models, which need the settings)
from mailer.tracking import hits  # noqa: E402

hints.use_thread()
hits.use_thread()
# The objects that are loaded now stay, so the garbage collector does not have to visit them. Visiting them would take a
# third of the CPU time of a request with a thousand personalizations. Forked workers share their memory pages, too.
gc.collect()
gc.freeze()
