"""The launcher behind `./sluice`: embedded PostgreSQL and Valkey, and the processes of a running stack.

It knows the product only by its commands and its environment variables; the product never imports it.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


class StackError(Exception):
    """Something a person must put right; its text is shown without a traceback."""
