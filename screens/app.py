"""CockpitApp: lifetime, frame clock, themes, keymap, and the way from screen to screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from typing import ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError, ExitCode
from cockpit.base.text import clean
from cockpit.config import Settings, default_config_path
from cockpit.model.snapshot import Snapshot
from cockpit.ports import Opener, Seat
from screens import SSH_FRAMES_PER_SECOND, over_ssh
from screens.acts import Acts
from screens.connect import ConnectView
from screens.copying import copy_limited
from screens.fleet import FleetView
from screens.hangup import leave_with_terminal
from screens.keys import bindings, check_keymap
from screens.theme import Palette, choose, light_background, load_palettes
from screens.travel import Travel
from screens.trouble import said
from screens.view import View
from screens.widgets.canvas import Canvas
from screens.widgets.prompt import Prompt


class CockpitApp(Travel):
    """One seat, one frame clock. ``wall`` is monotonic seconds (a test gives its own)."""

    CSS_PATH = "styles/cockpit.tcss"
    TITLE = "rollout cockpit"
    ENABLE_COMMAND_PALETTE = True
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("app.quit", "app.interrupt"))]

    def __init__(
        self,
        open_seat: Opener,
        settings: Settings,
        *,
        start: tuple[str | None, str, str] | None = None,
        on_close: Callable[[Seat], Awaitable[None]] | None = None,
        wall: Callable[[], float] | None = None,
        strict: bool = False,
    ) -> None:
        self._no_color = "NO_COLOR" in os.environ  # Textual takes it out of the environment
        folder = (settings.source or default_config_path()).parent / "themes"
        self.palettes, complaints = load_palettes(folder)
        self.palette: Palette = self.palettes["dark"]
        self.ascii = settings.screen.ascii
        # Without colours Textual must leave "default" alone: its other filter turns it into black on black.
        super().__init__(ansi_color=True if self._no_color else None)
        self.settings = settings
        self.wall = wall or Clock().wall
        self.seat: Seat | None = None
        self.acts = Acts(self)
        self.message: tuple[str, str] | None = None
        self.frozen = False
        self.pressed = ""
        self.picture: Snapshot | None = None
        self.failure: CockpitError | None = None
        self.fleet = FleetView()
        self._open_seat = open_seat
        self._start = start
        self._on_close = on_close
        self._strict = strict
        self._frozen_at = 0.0
        self._second = -1
        self._noticed = 0
        for palette in self.palettes.values():
            self.register_theme(palette.theme)
        name, complaint = choose(
            settings.screen.theme,
            self.palettes,
            self.console.color_system,
            no_color=self._no_color,
            light=light_background(os.environ.get("COLORFGBG")),
        )
        self.use_theme(name)
        self.keys_in_force, wrong_keys = check_keymap(settings.keys)
        self.notices = [clean(text, 300) for text in (*complaints, complaint, *wrong_keys) if text]

    # -- lifetime ----------------------------------------------------------------------------------

    def start(self) -> int:
        """Run to the end, close the seat on the same loop, and give the exit code."""
        return asyncio.run(self._main())

    async def _main(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):  # a lost link ends the screens, not an act half-way
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, self.exit, int(ExitCode.DONE))
        try:
            leave_with_terminal(loop, lambda: self.exit(int(ExitCode.DONE)))
            code = await self.run_async(mouse=self.settings.screen.mouse)
        finally:
            await self._close_seat()
        if self._exception is not None:
            raise self._exception  # the command line keeps its traceback in a file, and says where
        return code or 0

    def _fatal_error(self) -> None:
        # Textual would print a traceback with its locals: text of the cluster, settings, whatever was at hand.
        self.bell()
        self._close_messages_no_wait()

    async def _close_seat(self) -> None:
        if self.seat is None:
            return
        if self._on_close is not None:
            await self._on_close(self.seat)
        elif (close := getattr(self.seat, "close", None)) is not None:
            await close()

    def get_default_screen(self) -> ConnectView:
        return ConnectView()

    def on_mount(self) -> None:
        self.set_keymap(self.keys_in_force)
        rate = self.settings.screen.frames_per_second
        if over_ssh(os.environ):
            rate = min(rate, SSH_FRAMES_PER_SECOND)
        self.set_interval(1 / rate, self.frame)

    async def connect(self) -> None:
        """Open the seat; a failure is kept in ``failure`` for the connecting screen. Never raises one."""
        self.failure = None
        try:
            self.seat = await self._open_seat()
        except CockpitError as error:
            self.failure = error
            return
        except Exception as error:
            self.failure = CockpitError(said(error))
            return
        self._take_notices(self.seat)
        await self.push_screen(self.fleet)
        self.frame_now()

    def _take_notices(self, seat: Seat) -> None:
        """What the session has to tell once; it goes on telling while it runs (a rollback that was flipped back)."""
        told = seat.notices
        self.notices += [clean(text, 300) for text in told[self._noticed :]]
        self._noticed = len(told)

    # -- frames ------------------------------------------------------------------------------------

    def frame(self) -> None:
        """Draw what changed, on the visible screens only."""
        if self.seat is None:
            return
        try:
            self._frame(force=False)
        except Exception as error:
            if self._strict:
                raise
            self.log.warning(f"{type(error).__name__}: {error}")
            self.message = (f"this screen could not be drawn ({type(error).__name__}); q goes back", "bad")

    def frame_now(self) -> None:
        """Draw at once, changed or not: a screen was opened, resized or came back."""
        if self.seat is not None and self.is_running:
            self._frame(force=True)

    def _frame(self, *, force: bool) -> None:
        seat = cast("Seat", self.seat)
        fresh = self.picture if self.frozen and self.picture is not None else seat.snapshot()
        now = self._frozen_at if self.frozen else seat.now()
        changed = fresh is not self.picture or int(now) != self._second or force
        self._take_notices(seat)
        self.picture, self._second = fresh, int(now)
        for screen in self._visible():
            if changed and hasattr(screen, "draw"):
                screen.draw(fresh, now)
            if isinstance(screen, View) and screen.live and not self.frozen:
                screen.tick()
        if self._start is not None and changed:
            self._open_start(fresh)

    def _visible(self) -> list[Screen[object]]:
        """The screen on top, and under a dialog the one it lies over."""
        stack = self.screen_stack
        if not stack:
            return []  # a frame on the way out
        if len(stack) > 1 and stack[-1].is_modal:
            return [stack[-2], stack[-1]] if not stack[-2].is_modal else [stack[-1]]
        return [stack[-1]]

    def _open_start(self, snapshot: Snapshot) -> None:
        """The rollout named on the command line, as soon as it is there."""
        kind, namespace, name = cast("tuple[str | None, str, str]", self._start)
        found = [
            key
            for key in snapshot.rollouts
            if key.namespace == namespace and key.name == name and kind in {None, key.kind}
        ]
        if found:
            self._start = None
            self.open_rollout(min(found, key=lambda key: (key.kind != "Rollout", key)))
            return
        source = snapshot.sources.get("kubernetes")
        if source is not None and source.state == "ok":
            self._start = None
            self.say(f"there is no rollout {clean(namespace, 80)}/{clean(name, 80)} in this cluster", "warn")

    @property
    def view(self) -> View | None:
        """The full screen that is on top, under any dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, View)), None)

    # -- actions -----------------------------------------------------------------------------------

    def action_help(self) -> None:
        self.open_view("help", None)

    def action_freeze(self) -> None:
        """Stop the picture, not the data."""
        self.frozen = not self.frozen
        self._frozen_at = self.seat.now() if self.seat else 0.0
        self.frame_now()

    def action_refetch(self) -> None:
        if self.seat is not None:
            self.seat.refetch()
            self.say("asking every source again", "info")

    def action_next_theme(self) -> None:
        names = sorted(self.palettes)
        self.use_theme(names[(names.index(self.palette.name) + 1) % len(names)])
        self.say(f"theme {self.palette.name}", "info")

    def action_no_act(self) -> None:
        self.say("A does nothing: > is advance, X is abort", "warn")

    def action_interrupt(self) -> None:
        self.say("ctrl+q leaves the cockpit", "info")

    def action_leave(self) -> None:
        """Quit, with what a failed start deserves as exit code."""
        code = self.failure.exit_code if self.seat is None and self.failure is not None else ExitCode.DONE
        self.exit(int(code))

    def use_theme(self, name: str) -> bool:
        """Draw in another theme; False when there is none of that name."""
        if name not in self.palettes:
            return False
        self.palette = self.palettes[name]
        self.theme = name
        if self.is_running:
            for screen in self.screen_stack:
                for canvas in screen.query(Canvas):
                    canvas.repaint()
            self.frame_now()
        return True

    def copy(self, text: str, what: str) -> None:
        """To the terminal's clipboard by OSC 52, capped."""
        sent, cut = copy_limited(text)
        self.copy_to_clipboard(sent)
        self.say(f"copied {what}" + (f" (the last {len(sent)} characters)" if cut else ""), "info")

    def say(self, text: str, role: str = "text") -> None:
        """One line of our own at the foot of the screen, until the next or Esc."""
        self.message = (clean(text, 400), role)
        if (view := self.view) is not None and self.seat is not None and view.is_mounted:
            view.draw_foot()

    async def on_event(self, event: events.Event) -> None:
        """Keys of full screens act at once, in the order typed.

        Textual posts a key to the focused widget and looks for its binding when it comes back; of a burst (a paste, a
        slow link) the later keys are posted before the first has acted, so that text after ``:`` would be commands.
        """
        if isinstance(event, events.Key) and not event.is_forwarded and self._at_once():
            if self.acts.opening and event.key != "ctrl+q":
                return  # a dialog is on its way: what is typed ahead of it is for nobody
            self.pressed = event.key
            if await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key):
                return
        await super().on_event(event)

    def _at_once(self) -> bool:
        return bool(self.screen_stack) and isinstance(self.screen, View) and not isinstance(self.focused, Prompt)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Textual keeps silent about two bindings on one key; we say which."""
        names = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        self.message = (f"keys in the config clash with {names}", "warn")
