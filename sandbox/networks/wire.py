"""How requests of a network are written and its answers are read: forms, queries, JSON, XML."""

from __future__ import annotations

import json
import re
import xmlrpc.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from kernel.alphabet import Alphabet, alphabet_of

Bag: TypeAlias = Mapping[str, Any]

_PLACE = re.compile(r"\{(\w+)\}")
_NUMBERS: Final = frozenset({"{hop}", "{ms}"})
"""Values that are numbers where a wire has numbers."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it goes out; sent again, it is the same bytes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer says; ``keeps`` is what the operator gives back with its next request."""

    text: str
    ends: bool
    keeps: Mapping[str, str] = field(default_factory=dict)


class Unheard(Exception):
    """An answer that breaks the operator's rules; the message says which."""


def filled(bag: Bag, values: Mapping[str, str]) -> dict[str, Any]:
    """A table with its ``{places}`` filled, in inner tables too."""
    done: dict[str, Any] = {}
    for name, value in bag.items():
        if isinstance(value, Mapping):
            done[name] = filled(value, values)
        elif isinstance(value, str):
            text = _PLACE.sub(lambda found: values.get(found[1], ""), value)
            if name == "XML":
                text = _PLACE.sub(lambda found: _quoted(values.get(found[1], "")), value)
            done[name] = int(text) if value in _NUMBERS else text
        else:
            done[name] = value
    return done


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;", "\n": "&#10;"})


def _form(fields: Bag, _: Mapping[str, str]) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Request("POST", "", headers, urlencode(fields).encode())


def _query(fields: Bag, _: Mapping[str, str]) -> Request:
    return Request("GET", f"?{urlencode(fields)}", {}, b"")


def _json(fields: Bag, _: Mapping[str, str]) -> Request:
    inside = {name: value for name, value in fields.items() if name not in ("METHOD", "PATH")}
    body = json.dumps(inside, ensure_ascii=False).encode()
    method, path = fields.get("METHOD", "POST"), fields.get("PATH", "")
    return Request(method, path, {"content-type": "application/json"}, body)


def _xml(fields: Bag, _: Mapping[str, str]) -> Request:
    return Request("POST", "", {"content-type": "text/xml"}, fields["XML"].strip().encode())


def _xmlrpc(fields: Bag, wire: Mapping[str, str]) -> Request:
    moment = xmlrpc.client.DateTime(fields["TransactionTime"].replace("-", ""))
    body = xmlrpc.client.dumps(({**fields, "TransactionTime": moment},), wire["method"])
    return Request("POST", "", {"content-type": "text/xml"}, body.encode())


WRITERS: Final[Mapping[str, Callable[[Bag, Mapping[str, str]], Request]]] = {
    "form": _form,
    "query": _query,
    "json": _json,
    "xml": _xml,
    "xmlrpc": _xmlrpc,
}


def _prefix(_: Mapping[str, str], body: bytes, rules: Bag) -> Heard:
    text = _text(body)
    for marks, ends in ((rules["goes_on"], False), (rules["ends"], True)):
        for mark in marks:
            if text.startswith(mark):
                return Heard(text.removeprefix(mark), ends)
    raise Unheard(f"begins with none of {rules['goes_on'] + rules['ends']}")


def _header(headers: Mapping[str, str], body: bytes, rules: Bag) -> Heard:
    return Heard(_text(body), _ends(headers.get(rules["state"]), rules))


def _json_reply(_: Mapping[str, str], body: bytes, rules: Bag) -> Heard:
    try:
        return _named(json.loads(_text(body)), rules)
    except ValueError:
        raise Unheard("is no JSON") from None


def _xmlrpc_reply(_: Mapping[str, str], body: bytes, rules: Bag) -> Heard:
    try:
        values, _method = xmlrpc.client.loads(_text(body))
    except xmlrpc.client.Fault as fault:
        raise Unheard(f"is fault {fault.faultCode}: {fault.faultString}") from None
    except Exception as problem:  # the parser and the library's own checks raise many kinds
        raise Unheard(f"is no XML-RPC ({problem})") from None
    return _named(values[0] if values else {}, rules)


def _xml_reply(_: Mapping[str, str], body: bytes, rules: Bag) -> Heard:
    try:
        dialog = ElementTree.fromstring(_text(body))
    except ElementTree.ParseError as problem:
        raise Unheard(f"is no XML ({problem})") from None
    for names, ends in ((rules["goes_on"], False), (rules["ends"], True)):
        for name in names:
            if (operation := dialog.find(name)) is not None:
                said = {**dialog.attrib, **operation.attrib}
                text = said.get(rules["text"], "")
                coding = rules["codings"].get(said.get("dataCodingScheme"))
                if coding is None or (coding != Alphabet.UCS2 and alphabet_of(text) != coding):
                    raise Unheard(f"is coded as {said.get('dataCodingScheme')}, which cannot be")
                keeps = {own: said.get(theirs, "") for own, theirs in rules["keeps"].items()}
                return Heard(text, ends, keeps)
    raise Unheard(f"holds none of {rules['goes_on'] + rules['ends']}")


READERS: Final[Mapping[str, Callable[[Mapping[str, str], bytes, Bag], Heard]]] = {
    "prefix": _prefix,
    "header": _header,
    "json": _json_reply,
    "xmlrpc": _xmlrpc_reply,
    "xml": _xml_reply,
}


def _named(said: Any, rules: Bag) -> Heard:
    """An answer of named values: checks what must come back, then text and state."""
    for path, wanted in rules.get("must", {}).items():
        if (got := _at(said, path)) != wanted:
            raise Unheard(f"has {path} {got!r}, not {wanted!r}")
    text = _at(said, rules["text"])
    if not isinstance(text, str):
        raise Unheard(f"has no text {rules['text']}")
    keeps = {own: str(_at(said, at) or "") for own, at in rules.get("keeps", {}).items()}
    return Heard(text, _ends(_at(said, rules["state"]), rules), keeps)


def _at(said: Any, path: str) -> Any:
    for name in path.split("."):
        said = said.get(name) if isinstance(said, dict) else None
    return said


def _ends(state: Any, rules: Bag) -> bool:
    """Operators compare words in any case, and true with nothing but true."""
    for marks, ends in ((rules["goes_on"], False), (rules["ends"], True)):
        for mark in marks:
            if type(mark) is type(state) and str(mark).casefold() == str(state).casefold():
                return ends
    raise Unheard(f"says {state!r}, none of {rules['goes_on'] + rules['ends']}")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unheard("is no UTF-8") from None
