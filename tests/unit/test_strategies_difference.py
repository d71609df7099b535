"""The picker's diff of two pod templates."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cockpit.strategies.difference import difference

LABEL = "rollouts-pod-template-hash"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def template(image: str, env: dict[str, str], **container: Any) -> dict[str, Any]:
    pairs = [{"name": name, "value": value} for name, value in env.items()]
    return {
        "metadata": {"labels": {"app": "web", LABEL: image[-4:]}},
        "spec": {"containers": [{"name": "web", "image": image, "env": pairs, **container}]},
    }


def test_images_come_first_and_the_hash_label_is_no_difference() -> None:
    old = template("reg/web@sha256:" + "9f" * 32, {"TIMEOUT_MS": "800", "POOL": "4"})
    new = template("reg/web@sha256:" + "71" * 32, {"TIMEOUT_MS": "1500"})
    assert difference(old, new, LABEL) == (
        "image web: web@sha256:9f9f9f9f9f9f… → web@sha256:717171717171…",
        "- web env POOL: 4",
        "web env TIMEOUT_MS: 800 → 1500",
    )


def test_order_of_named_items_and_empty_members_do_not_count() -> None:
    old = template("a:1", {"A": "1", "B": "2"})
    new = template("a:1", {"B": "2", "A": "1"}, resources={})
    assert difference(old, new, LABEL) == ()


def test_values_of_secret_sounding_members_are_not_shown() -> None:
    lines = difference(template("a:1", {"DB_PASSWORD": "hunter2"}), template("a:1", {"DB_PASSWORD": "hunter3"}), LABEL)
    assert lines == ("web env DB_PASSWORD: changed (value not shown)",)


def test_hostile_values_are_harmless() -> None:
    (line,) = difference(template("a:1", {"X": "1"}), template("a:1", {"X": "\x1b]52;c;eA==\x07\x1b[31m"}), LABEL)
    assert line == "web env X: 1 → "


@given(JSON, JSON)
def test_whatever_stands_in_a_template_it_never_raises(old: Any, new: Any) -> None:
    lines = difference({"spec": old}, {"spec": new}, LABEL)
    assert all("\x1b" not in line and "\n" not in line for line in lines)


def test_what_a_container_takes_its_environment_from_is_named() -> None:
    """Not "2 items → 2 items": which ConfigMap is another one is what the operator asks."""

    def taking(*sources: dict[str, Any]) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "web", "image": "web:1", "envFrom": list(sources)}]}}

    def configmap(name: str, **more: Any) -> dict[str, Any]:
        return {"configMapRef": {"name": name}, **more}

    old = taking(configmap("settings-1"), {"secretRef": {"name": "db"}})
    new = taking(configmap("settings-2"), {"secretRef": {"name": "db"}})
    assert difference(old, new, LABEL) == (
        "- web envFrom ConfigMap settings-1",
        "+ web envFrom ConfigMap settings-2",
    )
    # One source twice is not matched by its name: nothing may get lost.
    twice = taking(configmap("a", prefix="A_"), configmap("a", prefix="B_"))
    assert difference(twice, taking(configmap("a", prefix="A_"), configmap("a", prefix="C_")), LABEL) == (
        "web envFrom: 2 items → 2 items",
    )
