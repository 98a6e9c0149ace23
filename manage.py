#!/usr/bin/env python3
"""Django's command line for Sluice."""

import os
import sys

try:
    from django.core.management import execute_from_command_line
    from environs import EnvError
except ModuleNotFoundError as error:
    sys.exit(
        f"The Python packages of Sluice are missing ({error}).\n"
        "Run any ./sluice command once to install them, and then .venv/bin/python manage.py."
    )

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except EnvError as error:
        # Not a fault of Sluice: the sentence names the variable, and a traceback would hide it.
        sys.exit(f"Start-up failed: {error}.\ndocs/deployment.md describes the variables that Sluice needs.")
