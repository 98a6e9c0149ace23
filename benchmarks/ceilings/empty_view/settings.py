"""Use Sluice's settings with other routes."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.ceilings.empty_view.urls"
