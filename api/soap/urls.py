"""Define the paths of the SOAP API.

They are at the root, as its clients build them. Clients that use lower case are served, too.
"""

from __future__ import annotations

from django.urls import URLPattern, path

from api.soap.token_views import endpoint, request_token, token
from api.soap.views import service
from api.soap.wsdl import show_wsdl

urlpatterns: list[URLPattern] = [
    path("Service.asmx", service),
    path("service.asmx", service),
    path("etframework.wsdl", show_wsdl),
    path("v2/token", token),
    path("v1/requestToken", request_token),
    path("platform/v1/endpoints/soap", endpoint),
]
