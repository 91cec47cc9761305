"""The base of the six screens: receives updates, runs actions or says why not, shows the keys that work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.screen import Screen

from playground.tui.actions import ACTIONS, Place, ScreenName, works_at
from playground.tui.actions.common import SCREENS
from playground.tui.advice import death
from playground.tui.frame_compositor import FrameCompositor
from playground.tui.session import NotNow, Session
from playground.tui.state.changes import Changes
from playground.tui.widgets.key_bar import KeyBar
from playground.tui.widgets.notice import Notice
from playground.tui.widgets.replay_bar import ReplayBar

Handlers = dict[str, Callable[[], object]]
HIGH = 32
# The classes that a screen gets from this many columns, or lines, on.
WIDTHS = [(0, "-narrow"), (110, "-normal")]
HEIGHTS = [(0, "-low"), (HIGH, "-high")]


class BaseScreen(Screen[None]):
    """A subclass adds its handlers by action name, composes a `Notice` and a `KeyBar`, and implements `show`."""

    NAME: ClassVar[ScreenName]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._compositor = FrameCompositor()
        self.session, self.state = session, session.state
        self._early_end = ""
        self.handlers: Handlers = {
            "help": self._help,
            "palette": self.app.action_command_palette,
            "restart": self._restart,
            "record": lambda: self.query_one(Notice).say(session.toggle_recording()),
            "log": self._log,
            "picture": self._picture,
            "theme": self.app.search_themes,
            "quit": self.app.exit,
            **{action.name: self._switcher(action.name) for action in SCREENS},
        }
        if replay := session.bridge.replay:
            self.handlers |= {
                "replay_pause": replay.pause,
                "replay_back": replay.back,
                "replay_forward": replay.forward,
                "replay_faster": lambda: replay.change_speed(1),
                "replay_slower": lambda: replay.change_speed(-1),
            }

    def on_mount(self) -> None:
        """Subscribe to updates."""
        if (replay := self.session.bridge.replay) and ACTIONS["replay_pause"].on(self.NAME):
            self.mount(ReplayBar(replay), before=self.query_one(KeyBar))
        self.session.bridge.attach(self)
        self.show()

    def on_descendant_focus(self) -> None:
        """Show the keys that work at the new place."""
        if self.is_mounted:
            self.show_keys()

    @property
    def place(self) -> Place:
        """Where the focus is, which decides the keys that work."""
        return "everywhere"

    def show(self) -> None:
        """Draw what changed."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Share a key between a panel that has the focus and the replay, if there is one."""
        if action != "do":
            return True
        asked = ACTIONS[str(parameters[0])]
        return works_at(asked, self.place, self.state.replaying) if self.state.replaying else asked.place != "replay"

    def handle_blocked(self, name: str) -> bool:
        """Handle a blocked action in another way, as Esc leaves a panel; returns True if it was handled."""
        return False

    def action_do(self, name: str) -> None:
        """Run the action of a key, a click or the palette, or say why it cannot be done now."""
        if reason := ACTIONS[name].blocked(self.state):
            if self.handle_blocked(name):
                self.show_keys()
            else:
                self.query_one(Notice).say(reason)
            return
        self.query_one(Notice).quiet()
        self.run(self.handlers[name])

    def run(self, action: Callable[[], object]) -> None:
        """Run it, or show the message of its `NotNow`."""
        try:
            action()
        except NotNow as error:
            self.query_one(Notice).say(str(error))
        self.show()

    def show_faults(self, changes: Changes) -> bool:
        """Show each failure; returns whether the engine died."""
        notice = self.query_one(Notice)
        for failure in changes.failures:
            notice.say(failure.message, failure.advice, bad=not failure.stopped)
        if exited := self.state.model.exited if changes.died else None:
            notice.say(*death(exited), bad=True)
        return exited is not None

    def show_early_end(self, what: str, fault: str, died: bool) -> None:
        """Say once that `what` ended early, unless its reason is the engine's death, which was said."""
        if fault and fault != self._early_end and not died:
            self.query_one(Notice).say(f"{what} ended early: {fault}")
        self._early_end = fault

    def show_keys(self) -> None:
        """Show the keys that work now, and where a replay is."""
        for bar in self.query(ReplayBar):
            bar.look()
        self.query_one(KeyBar).show(self.state, self.place, self.NAME, self.has_class("-maximized"))

    @on(KeyBar.Pressed)
    def _key_clicked(self, message: KeyBar.Pressed) -> None:
        self.action_do(message.action)

    def _help(self) -> None:
        from playground.tui.screens.overlays.help import HelpScreen  # overlays are imported when they are needed

        self.app.push_screen(HelpScreen(self.state, self.NAME))

    def _log(self) -> None:
        from playground.tui.screens.overlays.log import LogScreen

        self.app.push_screen(LogScreen(self.session.bridge.log))

    def _picture(self) -> None:
        """Save a screenshot; its name has the time to the microsecond, so nothing is overwritten."""
        folder: str | Path = "the working folder"
        try:
            folder = Path.cwd()
            name = self.app.save_screenshot(path=str(folder))
        except OSError as error:
            raise NotNow(f"no picture can be written to {folder}: {error.strerror or error}") from None
        self.query_one(Notice).say(f"picture written to {name}")

    @work
    async def _restart(self) -> None:
        await self.session.restart()

    def _switcher(self, action: str) -> Callable[[], object]:
        mode = action.removeprefix("screen_")
        return lambda: None if mode == self.NAME else self.app.switch_mode(mode)
