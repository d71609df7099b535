"""Schemas of the served kinds in a compact notation; OpenAPI documents are made from them.

``Type: field=type …``; a type is string, integer, boolean, object (anything), any (number or string), a Type of this
table, ``[type]`` a list, ``[Type]key`` a list merged by key, ``{string}`` a map. Field lists are complete where older
clients validate against them, and go no deeper than a client needs to merge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cockpit.world.kinds import Kind, Registry

_TYPES = """
ObjectMeta: name=string generateName=string namespace=string labels={string} annotations={string} uid=string
  resourceVersion=string generation=integer creationTimestamp=string deletionTimestamp=string selfLink=string
  deletionGracePeriodSeconds=integer finalizers=[string] ownerReferences=[OwnerReference]uid managedFields=[object]
OwnerReference: apiVersion=string kind=string name=string uid=string controller=boolean blockOwnerDeletion=boolean
LabelSelector: matchLabels={string} matchExpressions=[LabelSelectorRequirement]
LabelSelectorRequirement: key=string operator=string values=[string]
ObjectReference: kind=string namespace=string name=string uid=string apiVersion=string resourceVersion=string
  fieldPath=string
EventSource: component=string host=string
EventSeries: count=integer lastObservedTime=string
Subject: kind=string apiGroup=string name=string namespace=string
RoleRef: apiGroup=string kind=string name=string
PolicyRule: verbs=[string] apiGroups=[string] resources=[string] resourceNames=[string] nonResourceURLs=[string]
AggregationRule: clusterRoleSelectors=[LabelSelector]
PodDisruptionBudgetSpec: minAvailable=any maxUnavailable=any selector=LabelSelector
  unhealthyPodEvictionPolicy=string
ResourceQuotaSpec: hard={any} scopes=[string] scopeSelector=object
ResourceAttributes: namespace=string verb=string group=string version=string resource=string subresource=string
  name=string fieldSelector=object labelSelector=object
NonResourceAttributes: path=string verb=string
AccessReview: apiVersion=string kind=string metadata=ObjectMeta spec=AccessReviewSpec status=object
AccessReviewSpec: resourceAttributes=ResourceAttributes nonResourceAttributes=NonResourceAttributes user=string
  groups=[string] uid=string extra=object namespace=string
DeleteOptions: apiVersion=string kind=string gracePeriodSeconds=integer preconditions=Preconditions
  orphanDependents=boolean propagationPolicy=string dryRun=[string]
  ignoreStoreReadErrorWithClusterBreakingPotential=boolean
Preconditions: uid=string resourceVersion=string
Eviction: apiVersion=string kind=string metadata=ObjectMeta deleteOptions=DeleteOptions
Scale: apiVersion=string kind=string metadata=ObjectMeta spec=ScaleSpec status=object
ScaleSpec: replicas=integer
PodTemplateSpec: metadata=ObjectMeta spec=PodSpec
PodSpec: containers=[Container]name initContainers=[Container]name ephemeralContainers=[Container]name
  volumes=[Volume]name restartPolicy=string terminationGracePeriodSeconds=integer activeDeadlineSeconds=integer
  dnsPolicy=string nodeSelector={string} serviceAccountName=string serviceAccount=string nodeName=string
  automountServiceAccountToken=boolean hostNetwork=boolean hostPID=boolean hostIPC=boolean hostUsers=boolean
  shareProcessNamespace=boolean securityContext=object imagePullSecrets=[object]name hostname=string subdomain=string
  affinity=object schedulerName=string tolerations=[object] hostAliases=[object]ip priorityClassName=string
  priority=integer dnsConfig=object readinessGates=[object] runtimeClassName=string enableServiceLinks=boolean
  preemptionPolicy=string overhead={string} topologySpreadConstraints=[object]topologyKey setHostnameAsFQDN=boolean
  os=object schedulingGates=[object]name resourceClaims=[object]name resources=object
Container: name=string image=string command=[string] args=[string] workingDir=string ports=[ContainerPort]containerPort
  env=[EnvVar]name envFrom=[object] resources=ResourceRequirements volumeMounts=[object]mountPath
  volumeDevices=[object]devicePath livenessProbe=Probe readinessProbe=Probe startupProbe=Probe lifecycle=object
  terminationMessagePath=string terminationMessagePolicy=string imagePullPolicy=string securityContext=object
  stdin=boolean stdinOnce=boolean tty=boolean restartPolicy=string resizePolicy=[object] targetContainerName=string
ContainerPort: name=string containerPort=integer hostPort=integer hostIP=string protocol=string
EnvVar: name=string value=string valueFrom=object
ResourceRequirements: limits={any} requests={any} claims=[object]
Probe: exec=object httpGet=object tcpSocket=object grpc=object initialDelaySeconds=integer timeoutSeconds=integer
  periodSeconds=integer successThreshold=integer failureThreshold=integer terminationGracePeriodSeconds=integer
Volume: name=string configMap=object secret=object emptyDir=object persistentVolumeClaim=object projected=object
  hostPath=object downwardAPI=object csi=object nfs=object ephemeral=object image=object
DeploymentSpec: replicas=integer selector=LabelSelector template=PodTemplateSpec strategy=DeploymentStrategy
  minReadySeconds=integer revisionHistoryLimit=integer paused=boolean progressDeadlineSeconds=integer
DeploymentStrategy: type=string rollingUpdate=RollingUpdate
RollingUpdate: maxSurge=any maxUnavailable=any partition=integer
ReplicaSetSpec: replicas=integer selector=LabelSelector template=PodTemplateSpec minReadySeconds=integer
StatefulSetSpec: replicas=integer selector=LabelSelector template=PodTemplateSpec volumeClaimTemplates=[object]
  serviceName=string podManagementPolicy=string updateStrategy=DeploymentStrategy revisionHistoryLimit=integer
  minReadySeconds=integer persistentVolumeClaimRetentionPolicy=object ordinals=object
DaemonSetSpec: selector=LabelSelector template=PodTemplateSpec updateStrategy=DeploymentStrategy
  minReadySeconds=integer revisionHistoryLimit=integer
ServiceSpec: ports=[ServicePort]port selector={string} clusterIP=string clusterIPs=[string] type=string
  externalIPs=[string] sessionAffinity=string loadBalancerIP=string loadBalancerSourceRanges=[string]
  externalName=string externalTrafficPolicy=string healthCheckNodePort=integer publishNotReadyAddresses=boolean
  sessionAffinityConfig=object ipFamilies=[string] ipFamilyPolicy=string allocateLoadBalancerNodePorts=boolean
  loadBalancerClass=string internalTrafficPolicy=string trafficDistribution=string topologyKeys=[string]
ServicePort: name=string protocol=string appProtocol=string port=integer targetPort=any nodePort=integer
RolloutSpec: replicas=integer selector=LabelSelector template=PodTemplateSpec workloadRef=WorkloadRef
  strategy=RolloutStrategy minReadySeconds=integer revisionHistoryLimit=integer paused=boolean
  progressDeadlineSeconds=integer progressDeadlineAbort=boolean restartAt=string analysis=object rollbackWindow=object
WorkloadRef: apiVersion=string kind=string name=string scaleDown=string
RolloutStrategy: canary=object blueGreen=object
"""
# Members of each kind beside apiVersion, kind and metadata.
_MEMBERS = {
    "Pod": "spec=PodSpec status=object",
    "Deployment": "spec=DeploymentSpec status=object",
    "ReplicaSet": "spec=ReplicaSetSpec status=object",
    "StatefulSet": "spec=StatefulSetSpec status=object",
    "DaemonSet": "spec=DaemonSetSpec status=object",
    "Service": "spec=ServiceSpec status=object",
    "Rollout": "spec=RolloutSpec status=object",
    "Application": "spec=object status=object operation=object",
    "PriorityClass": "value=integer globalDefault=boolean description=string preemptionPolicy=string",
    "RuntimeClass": "handler=string overhead=object scheduling=object",
    "ConfigMap": "data={string} binaryData={string} immutable=boolean",
    "Secret": "data={string} stringData={string} type=string immutable=boolean",
    "ServiceAccount": "secrets=[object]name imagePullSecrets=[object] automountServiceAccountToken=boolean",
    "Endpoints": "subsets=[object]",
    "PodDisruptionBudget": "spec=PodDisruptionBudgetSpec status=object",
    "ResourceQuota": "spec=ResourceQuotaSpec status=object",
    "Role": "rules=[PolicyRule]",
    "ClusterRole": "rules=[PolicyRule] aggregationRule=AggregationRule",
    "RoleBinding": "roleRef=RoleRef subjects=[Subject]",
    "ClusterRoleBinding": "roleRef=RoleRef subjects=[Subject]",
    "ControllerRevision": "data=object revision=integer",
    "Event": "involvedObject=ObjectReference reason=string message=string source=EventSource firstTimestamp=string "
    "lastTimestamp=string count=integer type=string eventTime=string series=EventSeries action=string "
    "related=ObjectReference "
    "reportingComponent=string reportingInstance=string",
}
_DESCRIPTIONS = {
    "Rollout": "Rollout is the Schema for progressive delivery: canary and blue-green updates of a set of pods.",
    "Deployment": "Deployment enables declarative updates for Pods and ReplicaSets.",
    "ReplicaSet": "ReplicaSet ensures that a specified number of pod replicas are running at any given time.",
    "Pod": "Pod is a collection of containers that can run on a host.",
    "Service": "Service is a named abstraction of a software service consisting of a port and a selector.",
}
HELPERS = "io.k8s.api.core.v1."
Schema = dict[str, Any]


def definition_name(kind: Kind) -> str:
    return f"io.k8s.api.{(kind.group or 'core').replace('.k8s.io', '')}.{kind.versions[0]}.{kind.kind}"


def definitions(registry: Registry, prefix: str) -> dict[str, Schema]:
    """All schemas by name. ``prefix``: where references point, ``#/definitions/`` or ``#/components/schemas/``."""
    made: dict[str, Schema] = {}
    for line in _joined(_TYPES):
        name, _, fields = line.partition(":")
        made[HELPERS + name] = {"type": "object", "properties": dict(_fields(fields, prefix))}
    for kind in registry.all:
        members = _MEMBERS.get(kind.kind, "spec=object status=object")
        properties = dict(_fields(f"apiVersion=string kind=string metadata=ObjectMeta {members}", prefix))
        made[definition_name(kind)] = {
            "description": _DESCRIPTIONS.get(kind.kind, f"{kind.kind} of the group {kind.group or 'core'}."),
            "type": "object",
            "properties": properties,
            "x-kubernetes-group-version-kind": [gvk(kind)],
        }
    return made


def gvk(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "kind": kind.kind, "version": kind.versions[0]}


def _joined(text: str) -> list[str]:
    return text.strip().replace("\n  ", " ").splitlines()


def _fields(text: str, prefix: str) -> Iterator[tuple[str, Schema]]:
    for field in text.split():
        name, _, notation = field.partition("=")
        yield name, _schema(notation, prefix)


def _schema(notation: str, prefix: str) -> Schema:
    if notation.startswith("["):
        inner, _, key = notation[1:].partition("]")
        listed: Schema = {"type": "array", "items": _schema(inner, prefix)}
        if key:
            listed |= {"x-kubernetes-patch-merge-key": key, "x-kubernetes-patch-strategy": "merge"}
        return listed
    if notation.startswith("{"):
        return {"type": "object", "additionalProperties": _schema(notation[1:-1], prefix)}
    if notation == "any":
        return {"type": "string", "format": "int-or-string"}
    if notation == "object":
        return {"type": "object"}
    if notation in ("string", "integer", "boolean"):
        return {"type": notation}
    return {"$ref": f"{prefix}{HELPERS}{notation}"}
