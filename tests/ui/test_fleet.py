"""The fleet: order, the cursor that stays, filters, columns by width, stale and empty states."""

from __future__ import annotations

import msgspec
import pytest

from cockpit.model.plan import Pending
from cockpit.model.resource import Key
from cockpit.model.snapshot import Source
from screens.leave import LeaveScreen
from screens.rollout import RolloutView
from screens.widgets.fleet_table import HOLD_SECONDS, HOME_SECONDS
from tests.ui import pictures
from tests.ui.drive import driven, press, settle, text_of
from tests.ui.fake_seat import FakeSeat
from tests.ui.pictures import HOSTILE, NOW


def rows(shown: str) -> list[str]:
    """Names of the table's rows from the top."""
    lines = shown.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("   ROLLOUT")) + 1
    names = []
    for line in lines[start:]:
        if not line.strip() or line.lstrip().startswith(("┌", "─")):
            break
        names.append(line[3:].split()[0])
    return names


async def test_the_worst_comes_first_and_the_done_are_left_out() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        names = rows(text_of(app))
        assert names[:3] == ["checkout-api", "recs", "cart"]
        assert "reports" in names and "quiet" not in names
        await press(pilot, "a")
        assert "quiet" in rows(text_of(app))


async def test_every_row_shows_its_state_in_glyph_and_word() -> None:
    async with driven(FakeSeat()) as (app, _, _):
        shown = text_of(app)
        for name, parts in {
            "checkout-api": ("✖", "5/9 check 7/10", "25%", "4.10/0.30", "910/412", "ABORT err 13.7×"),
            "search-indexer": ("✖", "CrashLoopBackOff 3/3", "?/0.02", "stuck 11m"),
            "ledger": ("‖", "6/9 pause ∞", "needs >", "READY"),
            "catalog": ("‖", "held 42m"),
            "recs": ("?", "?/0.04", "BLIND canary exports"),
            "gateway": ("◌", "50→75%"),
            "payments-db-p…": ("◌", "6/10 pods", "60%"),
        }.items():
            line = next(line for line in shown.split("\n") if line[3:].startswith(name))
            for part in parts:
                assert part in line, (name, part, line)


async def test_the_cursor_stays_on_its_rollout_when_the_order_changes() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "j", "j")
        key = app.fleet.target()
        before = rows(text_of(app))
        seat.picture = worse(seat.picture, "media-proxy")
        await settle(pilot)
        assert app.fleet.target() == key
        assert rows(text_of(app)) == before, "the order is held while the cursor moved lately"
        assert "order held" in text_of(app)
        await press(pilot, "s")
        assert rows(text_of(app))[0] == "media-proxy", "s sorts now"
        assert app.fleet.target() == key


async def test_the_order_is_free_again_after_a_while_and_the_cursor_still_stays() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, wall):
        await press(pilot, "j")
        key = app.fleet.target()
        seat.picture = worse(seat.picture, "media-proxy")
        await settle(pilot)
        wall.now += HOLD_SECONDS + 1
        await settle(pilot)
        assert rows(text_of(app))[0] == "media-proxy"
        assert app.fleet.target() == key


async def test_a_cursor_nobody_moved_follows_the_worst_only_while_the_first_list_comes_in() -> None:
    syncing = Source("syncing", NOW, NOW)
    cases = pictures.dozen()
    seat = FakeSeat(pictures.picture(cases[4:7], kubernetes=syncing))
    async with driven(seat) as (app, pilot, wall):
        assert app.fleet.target() != Key("Rollout", "payments", "checkout-api")
        seat.picture = pictures.picture(cases, version=2, kubernetes=syncing)
        await settle(pilot)
        assert app.fleet.target() == Key("Rollout", "payments", "checkout-api")
        seat.picture = pictures.picture(cases, version=3)
        await settle(pilot)
        wall.now += HOME_SECONDS
        seat.picture = worse(worse(seat.picture, "checkout-api", "ready"), "media-proxy")
        await settle(pilot)
        assert app.fleet.target() == Key("Rollout", "payments", "checkout-api")


async def test_a_vanished_rollout_hands_the_cursor_to_its_neighbour() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "j")
        gone = app.fleet.target()
        rest = {key: value for key, value in seat.picture.rollouts.items() if key != gone}
        seat.picture = msgspec.structs.replace(seat.picture, version=2, rollouts=rest)
        await settle(pilot)
        assert app.fleet.target() == app.fleet.table.order[1]


async def test_movement_keys() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        table = app.fleet.table
        for keys, at in (
            (("j",), 1),
            (("down",), 2),
            (("k",), 1),
            (("G",), 12),
            (("g",), 0),
            (("end",), 12),
            (("home",), 0),
            (("up",), 0),
        ):
            await press(pilot, *keys)
            assert table.order.index(table.cursor) == at, keys
        await press(pilot, "ctrl+d")
        assert table.order.index(table.cursor) == table.page()
        await press(pilot, "ctrl+u")
        assert table.order.index(table.cursor) == 0


async def test_filter_is_live_sticks_inverts_and_clears() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "slash", *"payments/c")
        assert rows(text_of(app)) == ["checkout-api", "cart"]
        await press(pilot, "enter")
        assert "filter payments/c" in text_of(app)
        await press(pilot, "n")
        assert app.fleet.target() == Key("Rollout", "payments", "cart")
        await press(pilot, "escape")
        assert len(rows(text_of(app))) == 13
        await press(pilot, "slash", *"!payments", "enter")
        assert "cart" not in rows(text_of(app))
        await press(pilot, "escape", "slash", *"[", "enter")
        assert "is not a regular expression" in text_of(app)


async def test_letters_typed_into_the_filter_do_nothing_else() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "slash", *"XPRTFSqz>")
        assert not seat.planned and not app.frozen
        assert "XPRTFSqz>" in text_of(app)


async def test_sort_and_marks() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "s")
        assert app.fleet.table.sort == "name" and rows(text_of(app))[0] == "auth"
        await press(pilot, "G", "space")
        assert rows(text_of(app))[0] == app.fleet.target().name


async def test_pending_acts_show_in_their_row() -> None:
    key = Key("Rollout", "payments", "checkout-api")
    seat = FakeSeat(
        pictures.picture(pending={key: Pending("01J", "abort", "accepted", "waiting for the controller", NOW)})
    )
    async with driven(seat) as (app, _, _):
        assert "ABORT waiting for" in next(
            line for line in text_of(app).split("\n") if line[3:].startswith("checkout-api")
        )


@pytest.mark.parametrize("state", ["lost", "stale", "denied"])
async def test_a_lost_source_is_said_with_since_and_reason(state: str) -> None:
    lost = Source(state, NOW - 32, NOW - 32, message="connection refused; trying again")  # type: ignore[arg-type]
    async with driven(FakeSeat(pictures.picture(kubernetes=lost)), (80, 24)) as (app, _, _):
        shown = text_of(app)
        assert f"{state.upper()} 32s" in shown.split("\n")[0]
        assert f"kubernetes {state} since 03:12:09 (32s): connection refused" in shown


async def test_prometheus_lost_leaves_no_number_and_no_zero() -> None:
    cases = [
        (rollout, msgspec.structs.replace(judged, slis=()) if judged else None) for rollout, judged in pictures.dozen()
    ]
    lost = Source("lost", NOW - 32, NOW - 32, message="no answer within 5 s")
    async with driven(FakeSeat(pictures.picture(cases, prometheus=lost))) as (app, pilot, _):
        assert "0.00/" not in text_of(app)
        await press(pilot, "enter")
        assert "Prometheus lost: no answer within 5 s" in text_of(app)


async def test_prometheus_lost_makes_no_wall_of_blind() -> None:
    cases = [
        (rollout, pictures.judged("blind", "no answer", (None, None), (None, None))) for rollout, _ in pictures.dozen()
    ]
    lost = Source("lost", NOW - 32, NOW - 32, message="no answer within 5 s")
    async with driven(FakeSeat(pictures.picture(cases, prometheus=lost))) as (app, _, _):
        shown = text_of(app)
        assert "BLIND" not in shown and "prometheus lost since" in shown
        assert rows(shown)[0] == "search-indexer", "pods and phases still rank"
        assert "‖ 4 PAUSED" in shown


async def test_gaps_of_rights_are_said() -> None:
    async with driven(FakeSeat(pictures.picture(gaps=("events in 3 namespaces are denied",)))) as (app, _, _):
        assert "events in 3 namespaces are denied" in text_of(app)


async def test_empty_fleets_say_why() -> None:
    async with driven(FakeSeat(pictures.picture([], kubernetes=Source("syncing", NOW, NOW)))) as (app, _, _):
        assert "listing rollouts" in text_of(app)
    async with driven(FakeSeat(pictures.picture([]))) as (app, _, _):
        assert "no rollouts here" in text_of(app)
    async with driven(FakeSeat(pictures.picture(pictures.dozen()[-1:]))) as (app, _, _):
        assert "nothing is in flight; a shows all 1 rollouts" in text_of(app)


async def test_open_back_and_leaving_asks() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, RolloutView)
        assert seat.focused == [Key("Rollout", "ml", "recs")]
        await press(pilot, "q")
        assert app.screen is app.fleet and seat.focused[-1] is None
        await press(pilot, "q")
        assert isinstance(app.screen, LeaveScreen)
        await press(pilot, "escape")
        assert app.screen is app.fleet
        await press(pilot, "q", "y")
    assert app.return_value == 0


async def test_command_line() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "colon", *"goto led", "tab", "enter")
        assert app.view.target() == Key("Rollout", "payments", "ledger")
        await press(pilot, "colon", *"ns shop", "enter")
        assert rows(text_of(app)) == ["catalog", "pricing"]
        await press(pilot, "colon", *"ns all", "enter", "colon", *"shop/pricing", "enter")
        assert app.view.target() == Key("Rollout", "shop", "pricing")
        await press(pilot, "colon", *"nonsense", "enter")
        assert "'nonsense' is no command" in text_of(app)
        await press(pilot, "colon", *"theme light", "enter")
        assert app.palette.name == "light"
        await press(pilot, "colon", *"goto nowhere", "enter")
        assert "no rollout 'nowhere'" in text_of(app)
        await press(pilot, "colon", *"q", "enter")
    assert app.return_value == 0


async def test_visited_rollouts_can_be_walked() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "enter", "q", "j", "enter")
        second = app.view.target()
        await press(pilot, "left_square_bracket")
        first = app.view.target()
        assert first != second and isinstance(app.view, RolloutView)
        await press(pilot, "right_square_bracket")
        assert app.view.target() == second
        await press(pilot, "minus")
        assert app.view.target() == first


async def test_freeze_holds_the_picture_and_says_so() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "z")
        seat.picture = pictures.picture([], version=9)
        seat.time += 60
        await settle(pilot)
        shown = text_of(app)
        assert "FROZEN" in shown and "checkout-api" in shown and "03:12:41" in shown
        await press(pilot, "z")
        assert "no rollouts here" in text_of(app)


async def test_refetch_copy_and_theme() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "ctrl+r")
        assert seat.refetched == 1
        await press(pilot, "c")
        assert app.clipboard == "payments/checkout-api"
        await press(pilot, "ctrl+t")
        assert app.palette.name == "light" and "theme light" in text_of(app)


async def test_the_visible_screen_alone_is_drawn_and_an_unchanged_picture_costs_nothing() -> None:
    seat = FakeSeat()
    async with driven(seat) as (app, pilot, _):
        drawn: list[str] = []
        real = app.fleet.draw
        app.fleet.draw = lambda *args: (drawn.append("fleet"), real(*args))[1]  # type: ignore[method-assign]
        app.frame()
        assert not drawn
        seat.time += 1
        app.frame()
        assert drawn == ["fleet"]
        await press(pilot, "enter")
        drawn.clear()
        seat.time += 1
        app.frame()
        assert not drawn


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (300, 80)])
async def test_odd_objects_fit_every_size(size: tuple[int, int]) -> None:
    seat = FakeSeat(pictures.picture([*pictures.odd(), *pictures.dozen()]))
    async with driven(seat, size) as (app, pilot, _):
        for keys in ((), ("enter",), ("d",), ("x",), ("m",), ("b",), ("v",), ("R",)):
            for key in [key for key, rollout in seat.picture.rollouts.items()][:9] if keys else [None]:
                if key is not None:
                    app.go_home()
                    app.fleet.table.select(key)
                    await press(pilot, *keys)
                shown = text_of(app)
                assert "\x1b" not in shown and "\x00" not in shown and "\u202e" not in shown
                assert "[/]" not in shown or "[bold red]" in shown, "markup is text"
                assert len(shown.split("\n")) == size[1]


async def test_hostile_text_is_drawn_as_text() -> None:
    from rich.cells import cell_len

    seat = FakeSeat(pictures.picture(pictures.odd()))
    async with driven(seat) as (app, pilot, _):
        app.fleet.table.select(Key("Rollout", "payments", "hostile"))
        await press(pilot, "d")
        shown = text_of(app)
        assert "[bold red]owned[/]" in shown
        assert all(char.isprintable() for char in shown.replace("\n", ""))
        assert all(cell_len(line) == 120 for line in shown.split("\n"))
        assert HOSTILE not in shown


async def test_the_palette_reads_no_markup_out_of_a_name() -> None:
    name = "x[/]y[@click=app.quit]z[/@click]\x1b[31m"
    seat = FakeSeat(pictures.picture([(pictures.rollout(name, "[red]"), None)]))
    async with driven(seat) as (app, pilot, _):
        await press(pilot, "ctrl+p")
        await pilot.pause()
        for _ in range(50):
            if "describe" in text_of(app):
                break
            await pilot.pause(0.02)
        shown = text_of(app)
        assert "describe [red]/x[/]y[@click=app.quit]z" in shown, shown
        assert "\x1b" not in shown


def worse(picture, name, state="abort"):  # type: ignore[no-untyped-def]
    """The picture in which one rollout is judged differently."""
    key = next(key for key in picture.rollouts if key.name == name)
    assessments = {**picture.assessments, key: pictures.judged(state, "changed")}
    return msgspec.structs.replace(picture, version=picture.version + 1, assessments=assessments)


async def test_who_waits_is_a_count_of_its_own_beside_paused() -> None:
    async with driven(FakeSeat()) as (app, _, _):
        assert "3 PAUSED   > 2 WAIT FOR YOU" in text_of(app)


async def test_an_aborted_rollout_gives_way_to_those_that_still_serve_a_bad_version() -> None:
    seat = FakeSeat()
    seat.picture = worse(worse(seat.picture, "cart"), "reports")
    key = next(key for key in seat.picture.rollouts if key.name == "checkout-api")
    aborted = msgspec.structs.replace(seat.picture.rollouts[key], aborted=True, phase="Degraded")
    picture = msgspec.structs.replace(seat.picture, rollouts={**seat.picture.rollouts, key: aborted})
    async with driven(FakeSeat(picture)) as (app, _, _):
        assert rows(text_of(app))[:3] == ["reports", "cart", "checkout-api"], "what every user has comes first"


async def test_a_cursor_nobody_moved_stays_on_the_worst_until_the_first_verdicts_are_there() -> None:
    seat = FakeSeat()
    reading = {**seat.picture.sources, "prometheus": Source("syncing", NOW, NOW)}
    verdicts = seat.picture.assessments
    seat.picture = msgspec.structs.replace(seat.picture, sources=reading, assessments={})
    async with driven(seat, (80, 24)) as (app, pilot, _):
        seat.picture = msgspec.structs.replace(seat.picture, version=2, assessments=verdicts)
        await settle(pilot)
        assert app.fleet.target() == Key("Rollout", "payments", "checkout-api")
        assert rows(text_of(app))[0] == "checkout-api"


async def test_verdicts_a_look_after_their_source_still_bring_the_cursor_to_the_worst() -> None:
    seat = FakeSeat()
    whole = seat.picture
    reading = {**whole.sources, "prometheus": Source("syncing", NOW, NOW)}
    seat.picture = msgspec.structs.replace(whole, sources=reading, assessments={})
    async with driven(seat, (80, 24)) as (app, pilot, _):
        seat.picture = msgspec.structs.replace(whole, version=2, assessments={})
        await settle(pilot)
        seat.picture = msgspec.structs.replace(whole, version=3)
        await settle(pilot)
        assert app.fleet.target() == Key("Rollout", "payments", "checkout-api")
        assert rows(text_of(app))[0] == "checkout-api"


async def test_rows_out_of_sight_above_are_counted() -> None:
    async with driven(FakeSeat(), (80, 24)) as (app, pilot, _):
        await press(pilot, "a", "G")
        assert f"(↑ {len(app.fleet.table.order) - 10} more)" in text_of(app)


async def test_esc_at_the_fleet_asks_nothing_so_that_a_command_typed_next_is_one() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "escape", "escape", "colon", *"goto payments/cart", "enter")
        assert isinstance(app.screen, RolloutView) and app.screen.key.name == "cart"


async def test_q_asks_whether_to_leave_even_after_an_esc_too_many() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "escape", "q")
        assert isinstance(app.screen, LeaveScreen)


async def test_what_is_typed_over_the_question_whether_to_leave_acts_on_nothing() -> None:
    async with driven(FakeSeat()) as (app, pilot, _):
        await press(pilot, "q", *":goto X", "j")
        assert isinstance(app.screen, LeaveScreen)
        await press(pilot, "escape")
        assert app.screen is app.fleet
