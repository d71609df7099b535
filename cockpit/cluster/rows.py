"""Slim rows of cluster objects: the members of metadata, pods, ReplicaSets and events that anyone here reads.

Unknown members are skipped while parsing. Every field has a default; null where a list or text is expected, or any
other surprise, is handled by ``cluster.decode`` per item. Times stay RFC 3339 text (``base.clock.parse_time``).
"""

from __future__ import annotations

from sys import intern

import msgspec
from msgspec.structs import force_setattr

_LONGEST_ANNOTATION = 512  # last-applied-configuration and injected sidecar states are longer than a row
_POD_ANNOTATIONS = frozenset({"kubectl.kubernetes.io/default-container", "kubernetes.io/change-cause"})


class Row(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of everything decoded from the API: frozen, camelCase on the wire, acyclic and so untracked by the GC."""


class OwnerRef(Row, frozen=True, gc=False, rename="camel"):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    api_version: str = ""


class Meta(Row, frozen=True, gc=False, rename="camel"):
    """ObjectMeta without managedFields; annotations of more than 512 characters are dropped."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerRef, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None

    def __post_init__(self) -> None:
        # The same few thousand words fill a fleet of rows; sharing them is most of what keeps a pod below 6 KiB.
        force_setattr(self, "namespace", intern(self.namespace))
        for key, value in self.labels.items():
            self.labels[key] = intern(value)
        for key in [key for key, value in self.annotations.items() if not self._keeps(key, value)]:
            del self.annotations[key]

    def _keeps(self, _key: str, value: str) -> bool:
        return len(value) <= _LONGEST_ANNOTATION

    @property
    def controller(self) -> OwnerRef | None:
        """The controlling owner."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class PodMeta(Meta, frozen=True, gc=False, rename="camel"):
    """Metadata of a pod; injectors write much into its annotations and nobody here reads it."""

    def _keeps(self, key: str, _value: str) -> bool:
        return key in _POD_ANNOTATIONS


class ListMeta(Row, frozen=True, gc=False, rename="camel"):
    """Metadata of a list answer."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Condition(Row, frozen=True, gc=False, rename="camel"):
    """One condition. ``status`` is "True", "False" or "Unknown"."""

    type: str = ""
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "type", intern(self.type))
        force_setattr(self, "reason", intern(self.reason))


class Container(Row, frozen=True, gc=False, rename="camel"):
    """A container of a spec. ``restart_policy`` "Always" marks an init container that is a sidecar."""

    name: str = ""
    image: str = ""
    restart_policy: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "name", intern(self.name))
        force_setattr(self, "image", intern(self.image))


class Waiting(Row, frozen=True, gc=False, rename="camel"):
    reason: str = ""
    message: str = ""


class Running(Row, frozen=True, gc=False, rename="camel"):
    started_at: str | None = None


class Terminated(Row, frozen=True, gc=False, rename="camel"):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    container_id: str = msgspec.field(default="", name="containerID")
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(Row, frozen=True, gc=False, rename="camel"):
    """At most one member is set; none means waiting for the kubelet's first word."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Row, frozen=True, gc=False, rename="camel"):
    """What the kubelet reports of one container. ``image_id`` takes several forms (facts 5, "Image truth")."""

    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    image_id: str = msgspec.field(default="", name="imageID")
    container_id: str = msgspec.field(default="", name="containerID")
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()

    def __post_init__(self) -> None:
        force_setattr(self, "name", intern(self.name))
        force_setattr(self, "image", intern(self.image))
        force_setattr(self, "image_id", intern(self.image_id))


class PodSpec(Row, frozen=True, gc=False, rename="camel"):
    node_name: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[Container, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "node_name", intern(self.node_name))


class PodStatus(Row, frozen=True, gc=False, rename="camel"):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    start_time: str | None = None
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "phase", intern(self.phase))


class PodRow(Row, frozen=True, gc=False, rename="camel"):
    meta: PodMeta = msgspec.field(default_factory=PodMeta, name="metadata")
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class TemplateSpec(Row, frozen=True, gc=False, rename="camel"):
    """The containers of a pod template; the rest of it is fetched when needed, never held."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()


class TemplateMeta(Row, frozen=True, gc=False, rename="camel"):
    labels: dict[str, str] = {}


class Template(Row, frozen=True, gc=False, rename="camel"):
    metadata: TemplateMeta = TemplateMeta()
    spec: TemplateSpec = TemplateSpec()


class ReplicaSetSpec(Row, frozen=True, gc=False, rename="camel"):
    """``replicas`` None is the API's default of 1 (objects read back always carry it)."""

    replicas: int | None = None
    template: Template = Template()


class ReplicaSetStatus(Row, frozen=True, gc=False, rename="camel"):
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    fully_labeled_replicas: int = 0
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()  # ReplicaFailure carries quota and admission refusals


class ReplicaSetRow(Row, frozen=True, gc=False, rename="camel"):
    meta: Meta = msgspec.field(default_factory=Meta, name="metadata")
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


class ObjectRef(Row, frozen=True, gc=False, rename="camel"):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


class EventSource(Row, frozen=True, gc=False, rename="camel"):
    component: str = ""
    host: str = ""


class EventSeries(Row, frozen=True, gc=False, rename="camel"):
    count: int = 0
    last_observed_time: str | None = None


class EventRow(Row, frozen=True, gc=False, rename="camel"):
    """core/v1 Event; ``series`` replaces ``count`` and ``last_timestamp`` in events of newer reporters."""

    meta: Meta = msgspec.field(default_factory=Meta, name="metadata")
    involved_object: ObjectRef = ObjectRef()
    type: str = "Normal"
    reason: str = ""
    message: str = ""
    count: int = 1
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: EventSeries | None = None
    source: EventSource = EventSource()
    reporting_component: str = ""
