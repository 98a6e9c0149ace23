"""Read the requests of lists."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from api.bodies import Body, find_uuid
from api.sendgrid.contacts.inputs import MAX_IDS
from api.sendgrid.ids import to_uuids
from api.sendgrid.reading import read_fields, read_list, read_object
from api.sendgrid.values import ListName
from audience.errors import UnknownList


class NamedList(Body):
    """The name of a list."""

    name: ListName


def read_list_id(text: str) -> UUID:
    """Return the id of the list that a path names. Raises UnknownList."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownList
    return uuid


def read_list_name(request: Request) -> str:
    """Return the name in the body of POST and PATCH lists."""
    return read_fields(NamedList, {"name": None, **read_object(request)}).name


def read_removed(request: Request) -> list[UUID]:
    """Return the contacts that `?contact_ids=a,b` names."""
    return to_uuids(read_list(request, "contact_ids", highest=MAX_IDS, lowest=1), "contact_ids")
