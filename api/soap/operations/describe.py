"""Describe the properties of a Send. Some clients ask for them first, and then retrieve all of them."""

from __future__ import annotations

from api.soap.calls import Call
from api.soap.objects import NAME, SEND
from api.soap.outputs import add, payload
from api.soap.properties import PROPERTIES, written
from api.soap.reading import Element, child, elements, text


def describe(call: Call) -> Element:
    """Return the reply to a Describe. A type that is not served has no properties."""
    reply = payload("DefinitionResponseMsg")
    requests = child(call.payload, "DescribeRequests")
    definitions = elements(requests, "ObjectDefinitionRequest") if requests is not None else iter(())
    for kind in dict.fromkeys(text(each, "ObjectType") for each in definitions):
        if kind and NAME.fullmatch(kind):
            define(add(reply, "ObjectDefinition"), kind)
    add(reply, "RequestID", call.id)
    return reply


def define(parent: Element, kind: str) -> None:
    """Add the description of a type."""
    add(parent, "ObjectType", kind)
    if kind != SEND:
        return
    add(parent, "Name", SEND)
    for field in PROPERTIES:
        element = add(parent, "Properties")
        add(element, "Name", field.name)
        add(element, "DataType", field.kind.value)
        add(element, "IsCreatable", written(field.is_creatable))
        add(element, "IsUpdatable", written(field.is_updatable))
        add(element, "IsRetrievable", "true")
        add(element, "IsFilterable", written(bool(field.column)))
