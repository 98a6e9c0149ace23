"""Answer the calls for the account as a user, with which clients check a key."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.editing import change_account
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.user import inputs, outputs, schema


@schema.account
class UserAccount(Endpoint):
    scopes = {"GET": "user.account.read"}

    def get(self, request: Request) -> Response:
        return Response(outputs.ACCOUNT)


@schema.profile
class Profile(Endpoint):
    scopes = {"GET": "user.profile.read"}

    def get(self, request: Request) -> Response:
        return Response(outputs.PROFILE)


@schema.email
class Email(Endpoint):
    scopes = {"GET": "user.email.read", "PUT": "user.email.update"}

    def get(self, request: Request) -> Response:
        return Response(outputs.email(self.account))

    def put(self, request: Request) -> Response:
        return Response(outputs.email(change_account(self.account, email=inputs.read_email(request))))


@schema.username
class Username(Endpoint):
    scopes = {"GET": "user.username.read"}

    def get(self, request: Request) -> Response:
        return Response(outputs.username(self.account))


urlpatterns: list[URLPattern] = [
    re_path(r"^user/account/?$", UserAccount.as_view()),
    re_path(r"^user/profile/?$", Profile.as_view()),
    re_path(r"^user/email/?$", Email.as_view()),
    re_path(r"^user/username/?$", Username.as_view()),
]
