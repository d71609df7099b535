"""Does a written object have the shape of its kind: types always, unknown fields when asked to be strict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cockpit.world import status
from cockpit.world.api import schemas
from cockpit.world.contract import Object
from cockpit.world.kinds import Kind, Registry

_GO = {"integer": "int32", "boolean": "bool", "string": "string", "object": "object", "array": "slice"}
_JSON = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


class Shapes:
    """Checks objects against the published schemas."""

    def __init__(self, registry: Registry) -> None:
        self._definitions = schemas.definitions(registry, "")

    def check(self, kind: Kind, obj: Object, *, strict: bool) -> None:
        """Raises as the server's decoder does: 400, or 422 for a custom kind."""
        unknown: list[str] = []
        for field, problem in self._walk(obj, self._definitions[schemas.definition_name(kind)], ""):
            if problem is None:
                unknown.append(f'unknown field "{field}"')
            elif kind.custom:
                found, wanted = problem
                detail = f'Invalid value: "{found}": {field} in body must be of type {wanted}: "{found}"'
                cause = status.Cause("FieldValueTypeInvalid", detail, field)
                raise status.invalid(kind.kind, kind.group, _name(obj), [cause])
            else:
                prefix = f'{kind.kind} in version "{kind.versions[0]}" cannot be handled as a {kind.kind}'
                raise status.bad_request(f"{prefix}: {_unmarshal(field, problem)}")
        if unknown and strict:
            raise status.bad_request(f"strict decoding error: {', '.join(unknown)}")

    def check_type(self, name: str, value: Any) -> None:
        """The same for a type that is no stored kind, such as DeleteOptions; unknown fields pass. Raises 400."""
        for field, problem in self._walk(value, self._definitions[schemas.HELPERS + name], ""):
            if problem is not None:
                raise status.bad_request(_unmarshal(field, problem))

    def _walk(self, value: Any, schema: dict[str, Any], path: str) -> Iterator[tuple[str, tuple[str, str] | None]]:
        """(field, (found, wanted)) for a wrong type, (field, None) for an unknown one."""
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"]]
        if value is None:
            return
        wanted = schema["type"]
        if not _fits(value, wanted, schema.get("format")):
            yield path, (_JSON.get(type(value), "value"), wanted)
        elif isinstance(value, dict):
            properties, each = schema.get("properties"), schema.get("additionalProperties")
            for key, item in value.items():
                inner = f"{path}.{key}" if path else key
                member = each if properties is None else properties.get(key)
                if member is not None:
                    yield from self._walk(item, member, inner)
                elif properties is not None:
                    yield inner, None
        elif isinstance(value, list):
            for index, item in enumerate(value):
                inner = f"{path}[{index}]"
                if item is None:
                    yield inner, ("null", "object")
                yield from self._walk(item, schema["items"], inner)


def _unmarshal(field: str, problem: tuple[str, str]) -> str:
    found, wanted = problem
    return f"json: cannot unmarshal {found} into Go struct field .{field} of type {_GO[wanted]}"


def _name(obj: Object) -> str:
    metadata = obj.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _fits(value: Any, wanted: str, form: str | None) -> bool:
    if form == "int-or-string":
        return isinstance(value, int | float | str) and not isinstance(value, bool)
    if wanted == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted == "object":
        return isinstance(value, dict)
    if wanted == "array":
        return isinstance(value, list)
    return isinstance(value, bool if wanted == "boolean" else str)
