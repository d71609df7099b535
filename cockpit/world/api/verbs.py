"""The verbs on resources: get, list, create, update, patch, delete and deletecollection, with dry run."""

from __future__ import annotations

from typing import Any

from cockpit.world import status
from cockpit.world.api import events, evictions, lists, patching, present, scale
from cockpit.world.api.call import Answer, Call, json_answer
from cockpit.world.api.selectors import Selector
from cockpit.world.api.shape import Shapes
from cockpit.world.contract import Object
from cockpit.world.store import Propagation, Store, decode


class Verbs:
    """Carries out authorized resource requests that have one complete answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.shapes = Shapes(store.kinds)

    def get(self, call: Call) -> Answer:
        obj = self._current(call)
        asked = lists.parse_version(call.query.get("resourceVersion", ""))
        if asked > self._store.version:
            raise lists.too_large(asked, self._store.version)
        if call.target.subresource == "scale":
            return json_answer(scale.to_scale(obj))
        return present.one(call, obj, self._store.clock.now())

    def list(self, call: Call) -> Answer:
        selector = Selector(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
        page = lists.page(self._store, call.kind.plural, call.namespace, selector, call.query)
        return present.many(call, page, self._store.clock.now())

    def create(self, call: Call) -> Answer:
        if call.target.subresource == "eviction":
            self.shapes.check_type("Eviction", call.json())
            return evictions.evict(call, self._store)
        obj = self._incoming(call, call.json())
        self._check_namespace(call)
        self._check_shape(call, obj)
        made = self._store.create(obj, manager=call.manager, dry_run=call.dry_run())
        return present.one(call, made, self._store.clock.now(), 201)

    def update(self, call: Call) -> Answer:
        dry_run, body = call.dry_run(), call.json()
        old = self._current(call)
        if call.target.subresource == "scale":
            return self._write_scale(call, old, body, dry_run)
        new = self._incoming(call, body)
        metadata = new["metadata"]
        uid, version = metadata.get("uid"), metadata.get("resourceVersion")
        if uid and uid != old["metadata"]["uid"]:
            raise self._precondition(call, f"UID in precondition: {uid}, UID in object meta: {old['metadata']['uid']}")
        if not version and call.kind.custom:
            cause = status.Cause(
                "FieldValueInvalid", "Invalid value: 0x0: must be specified for an update", "metadata.resourceVersion"
            )
            raise status.invalid(call.kind.kind, call.kind.group, call.target.name, [cause])
        if version and version != old["metadata"]["resourceVersion"]:
            raise status.modified(call.kind.plural, call.kind.group, call.target.name)
        return self._replace(call, new, dry_run)

    def patch(self, call: Call) -> Answer:
        dry_run = call.dry_run()
        patching.media_type(call)
        entry = self._store.tables.get(*call.key)
        if entry is None and patching.media_type(call) == patching.APPLY_PATCH and not call.target.subresource:
            return self._create_by_apply(call, dry_run)
        old = self._current(call)
        if call.target.subresource == "scale":
            return self._write_scale(call, old, patching.patched(call, scale.to_scale(old)), dry_run)
        shown = events.to_events_group(old) if call.converted else old
        new = patching.patched(call, shown)
        patching.check_unchanged(call, old, new)
        return self._replace(call, events.to_core(new) if call.converted else new, dry_run)

    def delete(self, call: Call) -> Answer:
        options = self._options(call)
        dry_run, old = call.dry_run(options), self._current(call)
        return self._delete(call, old, options, dry_run)

    def delete_collection(self, call: Call) -> Answer:
        options = self._options(call)
        dry_run = call.dry_run(options)
        selector = Selector(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
        page = lists.page(self._store, call.kind.plural, call.namespace, selector, call.query)
        gone = []
        for row in page.rows:
            one = call._replace(target=call.target._replace(namespace=row.namespace, name=row.name))
            gone.append(decode(row.data))
            self._delete(one, gone[-1], options, dry_run)
        return present.collection(gone, call, self._store.version)

    # -- inside -------------------------------------------------------------------------------------------------

    def _options(self, call: Call) -> Object:
        """DeleteOptions of the body, checked."""
        options: Object = call.json() if call.body.strip() else {}
        self.shapes.check_type("DeleteOptions", options)
        return options

    def _current(self, call: Call) -> Object:
        obj = self._store.get(*call.key)
        if obj is None:
            raise status.not_found(call.kind.plural, call.kind.group, call.target.name)
        return obj

    def _incoming(self, call: Call, obj: Object) -> Object:
        """The body as an object of this path; raises 400 when it says it is something else."""
        metadata = obj.setdefault("metadata", {})
        if not isinstance(metadata, dict):
            raise status.bad_request("json: cannot unmarshal metadata into Go value of type v1.ObjectMeta")
        version, kind = obj.setdefault("apiVersion", call.group_version), obj.setdefault("kind", call.kind.kind)
        if version != call.group_version:
            message = f"the API version in the data ({version}) does not match the expected API version"
            raise status.bad_request(f"{message} ({call.group_version})")
        if kind != call.kind.kind:
            raise status.bad_request(
                f'{kind} in version "{call.target.version}" cannot be handled as a {call.kind.kind}: no kind "{kind}" '
                f"is registered for this resource"
            )
        if call.kind.namespaced:
            given = metadata.setdefault("namespace", call.target.namespace)
            if given != call.target.namespace:
                message = "the namespace of the provided object does not match the namespace sent on the request"
                raise status.bad_request(message)
        if call.target.name and metadata.setdefault("name", call.target.name) != call.target.name:
            raise status.bad_request(
                f"the name of the object ({metadata['name']}) does not match the name on the URL ({call.target.name})"
            )
        return events.to_core(obj) if call.converted else obj

    def _check_namespace(self, call: Call) -> None:
        if not call.kind.namespaced:
            return
        name = call.target.namespace
        namespace = self._store.get("namespaces", None, name)
        if namespace is None:
            raise status.not_found("namespaces", "", name)
        if "deletionTimestamp" in namespace["metadata"]:
            why = f"unable to create new content in namespace {name} because it is being terminated"
            raise status.forbidden(call.kind.plural, call.kind.group, call.target.name, why)

    def _check_shape(self, call: Call, obj: Object) -> None:
        self.shapes.check(call.kind, obj, strict=call.query.get("fieldValidation") == "Strict")

    def _replace(self, call: Call, new: Object, dry_run: bool) -> Answer:
        self._check_shape(call, new)
        subresource = call.target.subresource or None
        written = self._store.replace(*call.key, new, subresource=subresource, manager=call.manager, dry_run=dry_run)
        return present.one(call, written, self._store.clock.now())

    def _create_by_apply(self, call: Call, dry_run: bool) -> Answer:
        obj = self._incoming(call, patching.patched(call, {"metadata": {}}))
        self._check_namespace(call)
        self._check_shape(call, obj)
        made = self._store.create(obj, manager=call.manager, dry_run=dry_run)
        return present.one(call, made, self._store.clock.now(), 201)

    def _write_scale(self, call: Call, old: Object, wanted: Object, dry_run: bool) -> Answer:
        self.shapes.check_type("Scale", wanted)
        version = (wanted.get("metadata") or {}).get("resourceVersion")
        if version and version != old["metadata"]["resourceVersion"]:
            raise status.modified(call.kind.plural, call.kind.group, call.target.name)
        replicas = (wanted.get("spec") or {}).get("replicas", 0)
        if not isinstance(replicas, int) or replicas < 0:
            detail = f"Invalid value: {replicas!r}: must be greater than or equal to 0"
            cause = status.Cause("FieldValueInvalid", detail, "spec.replicas")
            raise status.invalid("Scale", "autoscaling", call.target.name, [cause])
        new = {**old, "spec": {**old["spec"], "replicas": replicas}}
        written = self._store.replace(*call.key, new, manager=call.manager, dry_run=dry_run)
        return json_answer(scale.to_scale(written))

    def _delete(self, call: Call, old: Object, options: Object, dry_run: bool) -> Answer:
        metadata = old["metadata"]
        for field, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            wanted = (options.get("preconditions") or {}).get(field)
            if wanted and wanted != metadata[field]:
                detail = f"{word} in precondition: {wanted}, {word} in object meta: {metadata[field]}"
                raise self._precondition(call, detail)
        grace = _grace(call, options)
        propagation = _propagation(call, options)
        if not dry_run:
            self._store.delete(*call.key, grace=grace, propagation=propagation)
        left = self._store.get(*call.key)
        if call.kind.plural == "pods" or (left is not None and not dry_run):
            return present.one(call, left or old, self._store.clock.now())
        details: dict[str, Any] = {"name": call.target.name, "kind": call.kind.plural, "uid": metadata["uid"]}
        if call.kind.group:
            details["group"] = call.kind.group
        success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return json_answer(success)

    @staticmethod
    def _precondition(call: Call, detail: str) -> status.Rejected:
        return status.conflict(call.kind.plural, call.kind.group, call.target.name, f"Precondition failed: {detail}")


def _grace(call: Call, options: Object) -> int | None:
    value = options.get("gracePeriodSeconds", call.query.get("gracePeriodSeconds"))
    if value in (None, ""):
        return None
    try:
        return max(int(value), 0)
    except (TypeError, ValueError):
        raise status.bad_request(f"invalid gracePeriodSeconds: {value}") from None


_PROPAGATIONS: dict[str, Propagation] = {
    "Background": "Background",
    "Foreground": "Foreground",
    "Orphan": "Orphan",
}


def _propagation(call: Call, options: Object) -> Propagation:
    asked = options.get("propagationPolicy") or call.query.get("propagationPolicy") or "Background"
    if options.get("orphanDependents"):
        return "Orphan"
    found = _PROPAGATIONS.get(str(asked))
    if found is None:
        message = f'Unsupported value: "{asked}": supported values: "Background", "Foreground", "Orphan"'
        cause = status.Cause("FieldValueNotSupported", message, "propagationPolicy")
        raise status.invalid("DeleteOptions", "meta.k8s.io", "", [cause])
    return found
