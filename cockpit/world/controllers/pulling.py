"""Pulling images: from the registry as it is at that moment, with kubelet's back-off when it is refused."""

from __future__ import annotations

import math
import random

from cockpit.world.contract import World
from cockpit.world.controllers.containers import Container, Machine
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.images import NodeImages
from cockpit.world.controllers.reports import Reporter

_RELIST = 0.5
"""Kubelets look at their containers on a beat, so that pods of one node group start together."""


class Puller(Reporter):
    """The part of a kubelet between a container that is wanted and one that can be started."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        super().__init__(world, recorder)
        self.images = NodeImages(world)

    def _start(self, machine: Machine, container: Container) -> None:
        raise NotImplementedError

    def _refusal(self, machine: Machine, container: Container) -> str | None:
        """Why the image cannot be had: its profile says so, or nobody has it any more."""
        container.profile = self.world.profiles.of(container.image)
        if container.profile.pull_error is not None:
            return container.profile.pull_error
        if self.images.held(machine.node, container.image, container.policy) is not None:
            return None
        return self.images.refusal(machine.node, container.image)

    def _obtain(self, machine: Machine, container: Container) -> tuple[str, bool]:
        """(image id, whether the node had it)."""
        held = self.images.held(machine.node, container.image, container.policy)
        return (held, True) if held is not None else self.images.pull(machine.node, container.image)

    def _pull(self, machine: Machine, container: Container) -> None:
        if self._refusal(machine, container) is not None:
            self.tell(machine, container, "Pulling", f'Pulling image "{container.image}"')
            container.timers.append(self.world.clock.call_later(1.0, lambda: self._pull_failed(machine, container, 0)))
            return
        container.pulled, known = self._obtain(machine, container)
        if known:
            text = f'Container image "{container.image}" already present on machine'
            self.tell(machine, container, "Pulled", text)
            delay = 0.3
        else:
            delay = round(self._rng(machine, container).uniform(1.2, 3.5), 3)
            self.tell(machine, container, "Pulling", f'Pulling image "{container.image}"')

            def pulled() -> None:
                took = f"{delay:.3f}s ({delay:.3f}s including waiting)"
                self.tell(machine, container, "Pulled", f'Successfully pulled image "{container.image}" in {took}')

            container.timers.append(self.world.clock.call_later(delay, pulled))
        at = math.ceil((self.world.clock.now() + delay + 0.1) / _RELIST) * _RELIST
        container.timers.append(self.world.clock.call_at(at, lambda: self._start(machine, container)))

    def _pull_failed(self, machine: Machine, container: Container, attempt: int) -> None:
        error = self._refusal(machine, container)
        if error is None:
            self._pull(machine, container)
            return
        wait = min(10.0 * 2**attempt, 300.0)
        text = f'Failed to pull image "{container.image}": {error}'
        self.tell(machine, container, "Failed", text, "Warning")
        self.tell(machine, container, "Failed", "Error: ErrImagePull", "Warning")
        container.state = {"waiting": {"reason": "ErrImagePull", "message": error}}
        self.publish(machine)

        def back_off() -> None:
            message = f'Back-off pulling image "{container.image}": {error}'
            container.state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
            self.tell(machine, container, "BackOff", f'Back-off pulling image "{container.image}"')
            self.tell(machine, container, "Failed", "Error: ImagePullBackOff", "Warning")
            self.publish(machine)

        clock = self.world.clock
        container.cancel()
        container.timers.append(clock.call_later(min(3.0, wait / 2), back_off))
        container.timers.append(clock.call_later(wait, lambda: self._pull_failed(machine, container, attempt + 1)))

    def _rng(self, machine: Machine, container: Container) -> random.Random:
        return self.world.rng("kubelet", *machine.key, container.name, container.number)
