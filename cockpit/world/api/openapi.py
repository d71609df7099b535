"""OpenAPI documents: v2 as JSON and as protobuf, v3 by group and version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cockpit.world.api import schemas
from cockpit.world.kinds import EVENTS_GROUP, Kind, Registry

# The real type carries an @, which clients of several generations refuse to parse.
V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_WRITES = ("dryRun", "fieldManager", "fieldValidation")


class OpenApi:
    """Documents are made once, when first asked for."""

    def __init__(self, registry: Registry, version: str) -> None:
        self._registry = registry
        self._info = {"title": "Kubernetes", "version": f"v{version}"}
        self._made: dict[str, bytes] = {}

    def v2_json(self) -> bytes:
        if "v2" not in self._made:
            document = {
                "swagger": "2.0",
                "info": self._info,
                "paths": {path: _operations(kind, v3=False) for path, kind in self._paths()},
                "definitions": schemas.definitions(self._registry, "#/definitions/"),
            }
            self._made["v2"] = msgspec.json.encode(document)
        return self._made["v2"]

    def v2_protobuf(self) -> bytes:
        if "pb" not in self._made:
            self._made["pb"] = b"".join(_document(msgspec.json.decode(self.v2_json())))
        return self._made["pb"]

    def v3_index(self) -> bytes:
        paths = {f"api{'s/' + group if group else ''}/{version}" for group, version in self._versions()}
        index = {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=1"} for path in sorted(paths)}}
        return msgspec.json.encode(index)

    def v3(self, path: str) -> bytes | None:
        """The document of ``api/v1`` or ``apis/GROUP/VERSION``; None when not served."""
        parts = path.split("/")
        group, version = (parts[1], parts[2]) if len(parts) == 3 else ("", parts[-1])
        if (group, version) not in self._versions() or parts[0] != ("apis" if group else "api"):
            return None
        if path not in self._made:
            document = {
                "openapi": "3.0.0",
                "info": self._info,
                "paths": {p: _operations(k, v3=True) for p, k in self._paths() if p.startswith(f"/{path}/")},
                "components": {"schemas": schemas.definitions(self._registry, "#/components/schemas/")},
            }
            self._made[path] = msgspec.json.encode(document)
        return self._made[path]

    def _versions(self) -> set[tuple[str, str]]:
        return {(kind.group, version) for kind in self._registry.all for version in kind.versions} | {
            (EVENTS_GROUP, "v1")
        }

    def _paths(self) -> Iterator[tuple[str, Kind]]:
        for kind in self._registry.all:
            root = f"/apis/{kind.group}" if kind.group else "/api"
            space = "/namespaces/{namespace}" if kind.namespaced else ""
            yield f"{root}/{kind.versions[0]}{space}/{kind.plural}/{{name}}", kind


def _operations(kind: Kind, *, v3: bool) -> dict[str, Any]:
    """The operations that clients look at: whether a PATCH or POST takes dryRun and fieldValidation."""
    typed = {"schema": {"type": "string"}} if v3 else {"type": "string"}
    operation = {
        "parameters": [{"name": name, "in": "query", **typed} for name in _WRITES],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": schemas.gvk(kind),
    }
    if kind.read_only:
        return {}
    return {verb: {**operation, "x-kubernetes-action": verb} for verb in ("patch", "put")}


# -- protobuf of gnostic's openapi_v2 Document, as far as the documents above use it --------------------------------
# Source of the field numbers: github.com/google/gnostic-models, openapiv2/OpenAPIv2.proto


def _varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 127
        out.append(low | (128 if number else 0))
        if not number:
            return bytes(out)


def _bytes(field: int, payload: bytes | str | Iterator[bytes]) -> bytes:
    if isinstance(payload, str):
        payload = payload.encode()
    elif not isinstance(payload, bytes):
        payload = b"".join(payload)
    return _varint(field << 3 | 2) + _varint(len(payload)) + payload


def _document(document: dict[str, Any]) -> Iterator[bytes]:
    yield _bytes(1, document["swagger"])
    yield _bytes(2, _bytes(1, document["info"]["title"]) + _bytes(2, document["info"]["version"]))
    yield _bytes(8, (_bytes(2, _named(path, _path_item(item))) for path, item in document["paths"].items()))
    yield _bytes(9, (_bytes(1, _named(name, _schema(body))) for name, body in document["definitions"].items()))


def _named(name: str, value: Iterator[bytes]) -> bytes:
    return _bytes(1, name) + _bytes(2, value)


def _path_item(item: dict[str, Any]) -> Iterator[bytes]:
    for verb, field in (("put", 3), ("patch", 8)):
        if verb in item:
            yield _bytes(field, _operation(item[verb]))


def _operation(operation: dict[str, Any]) -> Iterator[bytes]:
    for parameter in operation["parameters"]:
        query = _bytes(2, parameter["in"]) + _bytes(4, parameter["name"]) + _bytes(6, parameter["type"])
        yield _bytes(8, _bytes(1, _bytes(2, _bytes(3, query))))  # ParametersItem.parameter.non_body.query
    responses = (
        _bytes(1, _named(code, iter([_bytes(1, _bytes(1, answer["description"]))])))
        for code, answer in operation["responses"].items()
    )
    yield _bytes(9, responses)
    yield from _extensions(operation, 13)


def _extensions(value: dict[str, Any], field: int) -> Iterator[bytes]:
    """Vendor extensions as YAML text, of which JSON is a subset."""
    for key, extension in value.items():
        if key.startswith("x-"):
            text = msgspec.json.encode(extension)
            yield _bytes(field, _named(key, iter([_bytes(2, text)])))


def _schema(schema: dict[str, Any]) -> Iterator[bytes]:
    for key, field in (("$ref", 1), ("format", 2), ("description", 4)):
        if key in schema:
            yield _bytes(field, schema[key])
    if "additionalProperties" in schema:
        yield _bytes(21, _bytes(1, _schema(schema["additionalProperties"])))
    if "type" in schema:
        yield _bytes(22, _bytes(1, schema["type"]))
    if "items" in schema:
        yield _bytes(23, _bytes(1, _schema(schema["items"])))
    if "properties" in schema:
        yield _bytes(25, (_bytes(1, _named(name, _schema(body))) for name, body in schema["properties"].items()))
    yield from _extensions(schema, 31)
