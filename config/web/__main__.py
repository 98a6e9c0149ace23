"""Start the web server: `python -m config.web --bind 0.0.0.0:8000`."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# The import below needs the models. A wrong setting is reported as one message, without a traceback.
import django

try:
    django.setup()
except Exception as error:
    sys.exit(f"Start-up failed: {error}")

from config.web.supervisor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
