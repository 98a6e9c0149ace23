"""Configure the product: settings, routes, and the entry points of web, workers and beat."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
