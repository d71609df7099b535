"""The three kinds of patch: RFC 6902 with the real server's semantics, RFC 7386, strategic merge."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.world.api.patch import PatchError, apply_json_patch, apply_merge_patch
from cockpit.world.api.strategic import apply_strategic_patch
from cockpit.world.status import Rejected

# RFC 6902 appendix A, by its section numbers.
RFC_6902 = [
    ("A1", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    (
        "A2",
        {"foo": ["bar", "baz"]},
        [{"op": "add", "path": "/foo/1", "value": "qux"}],
        {"foo": ["bar", "qux", "baz"]},
    ),
    ("A3", {"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ("A4", {"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    (
        "A5",
        {"baz": "qux", "foo": "bar"},
        [{"op": "replace", "path": "/baz", "value": "boo"}],
        {"baz": "boo", "foo": "bar"},
    ),
    (
        "A6",
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        "A7",
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        "A8",
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    ("A9", {"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], None),
    (
        "A10",
        {"foo": "bar"},
        [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    ("A11", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
    ("A12", {"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], None),
    ("A14", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ("A15", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], None),
    (
        "A16",
        {"foo": ["bar"]},
        [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
        {"foo": ["bar", ["abc", "def"]]},
    ),
]


@pytest.mark.parametrize(("name", "document", "patch", "result"), RFC_6902, ids=[case[0] for case in RFC_6902])
def test_rfc_6902(name: str, document: Any, patch: Any, result: Any) -> None:
    before = repr(document)
    if result is None:
        with pytest.raises(PatchError):
            apply_json_patch(document, patch)
    else:
        assert apply_json_patch(document, patch) == result
    assert repr(document) == before  # applied to a copy, all or nothing


TEST = {"op": "test"}
SERVER = [
    ("absent member equals null", {"a": {}}, {**TEST, "path": "/a/b", "value": None}, True),
    ("null member equals null", {"a": None}, {**TEST, "path": "/a", "value": None}, True),
    ("absent parent does not", {}, {**TEST, "path": "/a/b", "value": None}, False),
    ("absent member is not false", {"a": {}}, {**TEST, "path": "/a/b", "value": False}, False),
    ("one is not true", {"a": 1}, {**TEST, "path": "/a", "value": True}, False),
    ("zero is not false", {"a": 0}, {**TEST, "path": "/a", "value": False}, False),
    ("a test without value is refused", {"a": 1}, {**TEST, "path": "/a"}, False),
    ("remove of nothing fails", {"a": {}}, {"op": "remove", "path": "/a/b"}, False),
    ("replace of nothing fails", {"a": {}}, {"op": "replace", "path": "/a/b", "value": 1}, False),
    ("index out of range", {"a": [1]}, {**TEST, "path": "/a/3", "value": 1}, False),
    ("last by minus one", {"a": [1, 2]}, {**TEST, "path": "/a/-1", "value": 2}, True),
    ("leading zeros are no index", {"a": [1, 2]}, {**TEST, "path": "/a/01", "value": 2}, False),
    ("unknown operation", {"a": 1}, {"op": "spam", "path": "/a"}, False),
    ("move into itself", {"a": {"b": {}}}, {"op": "move", "from": "/a", "path": "/a/b"}, False),
    ("a pointer begins with a slash", {"a": 1}, {**TEST, "path": "a", "value": 1}, False),
]


@pytest.mark.parametrize(("name", "document", "operation", "passes"), SERVER, ids=[case[0] for case in SERVER])
def test_the_servers_json_patch(name: str, document: Any, operation: Any, passes: bool) -> None:
    if passes:
        assert apply_json_patch(document, [operation]) == document
    else:
        with pytest.raises(PatchError):
            apply_json_patch(document, [operation])


def test_a_failed_test_undoes_everything_before_it() -> None:
    document = {"status": {"abort": False}}
    patch = [{"op": "replace", "path": "/status/abort", "value": True}, {"op": "test", "path": "/x", "value": 1}]
    with pytest.raises(PatchError):
        apply_json_patch(document, patch)
    assert document == {"status": {"abort": False}}


def test_what_is_no_patch_is_a_bad_request() -> None:
    for junk in ({"op": "add"}, [{"op": "add"}], ["add"]):
        with pytest.raises(Rejected) as caught:
            apply_json_patch({}, junk)
        assert caught.value.code == 400


# RFC 7386 appendix A.
RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("document", "patch", "result"), RFC_7386)
def test_rfc_7386(document: Any, patch: Any, result: Any) -> None:
    before = repr(document)
    assert apply_merge_patch(document, patch) == result
    assert repr(document) == before


def pod(*containers: Any, **rest: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **rest}}


A, B = {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "b:1"}
STRATEGIC = [
    ("by name", pod(A, B), pod({"name": "b", "image": "b:2"}), pod(A, {"name": "b", "image": "b:2"})),
    ("new element", pod(A), pod(B), pod(A, B)),
    (
        "nested merge",
        pod(A),
        pod({"name": "a", "env": [{"name": "Y", "value": "2"}]}),
        pod({**A, "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}),
    ),
    ("delete an element", pod(A, B), pod({"name": "a", "$patch": "delete"}), pod(B)),
    ("delete a member", pod({**B, "tty": True}), pod({"name": "b", "tty": None}), pod(B)),
    (
        "replace the list",
        pod(A, B),
        pod({"$patch": "replace"}, {"name": "c", "image": "c"}),
        pod({"name": "c", "image": "c"}),
    ),
    ("replace the object", {"s": {"a": 1, "b": 2}}, {"s": {"$patch": "replace", "c": 3}}, {"s": {"c": 3}}),
    ("atomic lists", pod(A, args=[1, 2]), {"spec": {"args": [3]}}, pod(A, args=[3])),
    ("null deletes", {"spec": {"paused": True}}, {"spec": {"paused": None}}, {"spec": {}}),
    (
        "order",
        pod(A, B),
        {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
        pod(B, A),
    ),
    (
        "retain keys",
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
        {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
        {"strategy": {"type": "Recreate"}},
    ),
    (
        "service ports by number",
        {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81}]}},
        {"spec": {"ports": [{"port": 80, "name": "b"}]}},
        {"spec": {"ports": [{"port": 80, "name": "b"}, {"port": 81}]}},
    ),
    ("finalizers are a set", {"finalizers": ["a"]}, {"finalizers": ["b", "a"]}, {"finalizers": ["a", "b"]}),
    ("from a primitive list", {"f": ["a", "b"]}, {"$deleteFromPrimitiveList/f": ["a"]}, {"f": ["b"]}),
]


@pytest.mark.parametrize(("name", "document", "patch", "result"), STRATEGIC, ids=[case[0] for case in STRATEGIC])
def test_strategic_merge(name: str, document: Any, patch: Any, result: Any) -> None:
    before = repr(document)
    assert apply_strategic_patch(document, patch) == result
    assert repr(document) == before


def test_strategic_merge_needs_its_keys() -> None:
    with pytest.raises(Rejected, match="does not contain declared merge key: name"):
        apply_strategic_patch(pod(A), pod({"image": "x"}))
