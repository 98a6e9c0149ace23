"""The WSGI application, which `python -m config.web` serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from batches.hints import use_thread  # noqa: E402  (models are there only now)

use_thread()
# What is loaded now stays: the collector need not walk through it, a third of the CPU of a request with a thousand
# personalizations. Forked workers share its pages, too.
gc.collect()
gc.freeze()
