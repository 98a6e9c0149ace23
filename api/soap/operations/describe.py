"""Describe: the properties of a Send. Some clients ask before they retrieve, and then ask for all that there are."""

from __future__ import annotations

from api.soap.calls import Call
from api.soap.objects import NAME, SEND
from api.soap.outputs import add, payload
from api.soap.properties import PROPERTIES, written
from api.soap.reading import Element, child, elements, text


def describe(call: Call) -> Element:
    """The reply; a type that is not served has no properties."""
    made = payload("DefinitionResponseMsg")
    requests = child(call.payload, "DescribeRequests")
    asked = elements(requests, "ObjectDefinitionRequest") if requests is not None else iter(())
    for kind in dict.fromkeys(text(each, "ObjectType") for each in asked):
        if kind and NAME.fullmatch(kind):
            define(add(made, "ObjectDefinition"), kind)
    add(made, "RequestID", call.id)
    return made


def define(parent: Element, kind: str) -> None:
    add(parent, "ObjectType", kind)
    if kind != SEND:
        return
    add(parent, "Name", SEND)
    for known in PROPERTIES:
        made = add(parent, "Properties")
        add(made, "Name", known.name)
        add(made, "DataType", known.kind.value)
        add(made, "IsCreatable", written(known.is_creatable))
        add(made, "IsUpdatable", written(known.is_updatable))
        add(made, "IsRetrievable", "true")
        add(made, "IsFilterable", written(bool(known.column)))
