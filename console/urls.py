"""Define the routes of the console's pages, below /admin/."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from console.header import show_header
from console.overview.page import show_overview

view = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    path("health/", view(show_header), name="health"),
    path("overview/", view(show_overview), name="overview"),
]
