"""Schedules: each tick is taken once, by a clock that stands still."""

from __future__ import annotations

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from jobs import operations
from jobs.models import Job, Schedule, ScheduleTick
from jobs.schedules import cron
from jobs.schedules import queries as shown
from lib.errors import AlreadyExists, Denied, InvalidValue
from workspaces.models import Membership

pytestmark = pytest.mark.django_db

HOUR = 3_600_000


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


NINE = at("2026-03-02T09:00:30")


@pytest.fixture
def clock(monkeypatch):
    time = {"ms": NINE}
    monkeypatch.setattr("jobs.operations.schedules.now_ms", lambda: time["ms"])

    def go(to_ms: int) -> None:
        time["ms"] = to_ms

    return go


@pytest.fixture
def create(submit, alice, clock):
    plan = operations.planned_as(submit())
    Job.objects.update(state="Completed")

    def create(**fields: object) -> Schedule:
        values = {"name": "nightly", "plan": plan, "cron": "0 * * * *", **fields}
        return operations.create_schedule(alice, Job.objects.first().run.experiment, **values)

    return create


def history(schedule: Schedule) -> list[tuple[str, int]]:
    return [(tick.outcome, tick.due_ms) for tick in schedule.ticks.order_by("pk")]


def now(schedule: Schedule) -> Schedule:
    return Schedule.objects.get(pk=schedule.pk)


def end_jobs() -> None:
    Job.objects.update(state="Completed")


def test_a_tick_submits_the_job_once(create, clock):
    schedule = create()
    assert schedule.next_ms == at("2026-03-02T10:00:00")
    assert operations.fire_schedules() == 0
    clock(at("2026-03-02T10:00:02"))
    assert (operations.fire_schedules(), operations.fire_schedules()) == (1, 0)
    tick = schedule.ticks.get()
    assert (tick.outcome, tick.due_ms, tick.note) == ("Submitted", at("2026-03-02T10:00:00"), "")
    assert (tick.run.job.command, tick.run.job.submitted_by) == (["python", "train.py"], "alice")
    assert tick.run.tags.get(key="studio.schedule").value == "nightly"
    assert now(schedule).next_ms == at("2026-03-02T11:00:00")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_fire_at_once_one_takes_the_tick(create, clock):
    schedule = create()
    clock(at("2026-03-02T10:00:02"))

    def fire() -> None:
        operations.fire_schedules()
        connection.close()

    threads = [threading.Thread(target=fire) for _n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert history(schedule) == [("Submitted", at("2026-03-02T10:00:00"))]
    assert Job.objects.count() == 2


def test_missed_ticks_are_made_good_by_one(create, clock):
    schedule = create()
    clock(at("2026-03-02T14:30:00"))
    operations.fire_schedules()
    operations.fire_schedules()
    assert history(schedule) == [("Submitted", at("2026-03-02T14:00:00"))]
    assert "4 earlier ticks" in schedule.ticks.get().note
    assert now(schedule).next_ms == at("2026-03-02T15:00:00")


def test_missed_ticks_are_let_go_where_that_is_wanted(create, clock):
    schedule = create(catches_up=False)
    clock(at("2026-03-02T14:30:00"))
    operations.fire_schedules()
    assert history(schedule) == [("Skipped", at("2026-03-02T14:00:00"))]
    assert Job.objects.count() == 1
    clock(at("2026-03-02T15:00:01"))
    operations.fire_schedules()
    assert history(schedule)[1] == ("Submitted", at("2026-03-02T15:00:00"))


def test_a_tick_waits_for_no_job_that_still_runs(create, clock):
    schedule, both = create(), create(name="both", overlaps=True)
    for hour in (10, 11):
        clock(at(f"2026-03-02T{hour}:00:01"))
        operations.fire_schedules()
    assert [outcome for outcome, _due in history(schedule)] == ["Submitted", "Skipped"]
    assert [outcome for outcome, _due in history(both)] == ["Submitted", "Submitted"]
    end_jobs()
    clock(at("2026-03-02T12:00:01"))
    operations.fire_schedules()
    assert history(schedule)[2][0] == "Submitted"


def test_a_schedule_that_cannot_submit_is_disabled_and_whoever_resumes_it_has_it(create, clock, alice_user, dora):
    schedule = create()
    Membership.objects.filter(user=alice_user).delete()
    for hour in range(10, 15):
        clock(at(f"2026-03-02T{hour}:00:01"))
        operations.fire_schedules()
    disabled = now(schedule)
    assert (disabled.state, disabled.next_ms, disabled.failures) == ("Disabled", None, 5)
    assert "5 ticks" in disabled.reason
    assert Job.objects.count() == 1
    assert operations.resume_schedule(dora, disabled).next_ms == at("2026-03-02T15:00:00")
    clock(at("2026-03-02T15:00:01"))
    operations.fire_schedules()
    assert schedule.ticks.get(due_ms=at("2026-03-02T15:00:00")).run.job.submitted_by == "dora"
    assert now(schedule).failures == 0


def test_pause_resume_run_now_change_and_delete(create, clock, alice):
    schedule = create()
    assert operations.pause_schedule(alice, schedule).next_ms is None
    clock(at("2026-03-02T12:30:00"))
    assert operations.fire_schedules() == 0
    job = operations.run_schedule_now(alice, schedule)
    assert schedule.ticks.get().by_hand
    assert operations.resume_schedule(alice, schedule).next_ms == at("2026-03-02T13:00:00")
    changed = operations.update_schedule(alice, schedule, cron="30 4 * * 1-5", time_zone="Europe/Berlin")
    assert changed.next_ms == at("2026-03-03T04:30:00", "Europe/Berlin")
    assert len(shown.next_ticks(changed)) == 5
    assert shown.next_ticks(changed)[0] == changed.next_ms
    operations.delete_schedule(alice, schedule)
    operations.forget_plans()
    assert not ScheduleTick.objects.exists()
    assert Job.objects.filter(pk=job.pk).exists()


def test_a_day_without_the_hour_and_one_with_it_twice_have_one_tick_each():
    zone = "Europe/Berlin"
    spring = cron.following("30 2 * * *", zone, at("2026-03-28T12:00", zone), 2)
    assert spring == [at("2026-03-29T03:00", zone), at("2026-03-30T02:30", zone)]
    autumn = cron.following("30 2 * * *", zone, at("2026-10-24T12:00", zone), 2)
    assert autumn == [at("2026-10-25T02:30", zone), at("2026-10-26T02:30", zone)]
    assert cron.due("* * * * *", "UTC", NINE - NINE % 60_000, NINE + 100 * 24 * HOUR)[1] == cron.COUNTED_MAX
    newest, _count = cron.due("* * * * *", "UTC", NINE - NINE % 60_000, NINE + 100 * 24 * HOUR)
    assert newest == NINE + 100 * 24 * HOUR - 30_000


@pytest.mark.parametrize(
    "fields",
    [
        {"cron": "x"},
        {"cron": "* * * *"},
        {"cron": "* * * * * *"},
        {"cron": "0 0 31 2 *"},
        {"time_zone": "Mars/Base"},
        {"time_zone": "../etc"},
        {"cron": "61 * * * *"},
        {"name": ""},
        {"name": "a/b"},
        {"time_zone": ""},
    ],
)
def test_a_schedule_that_cannot_be_is_refused(create, fields):
    with pytest.raises(InvalidValue):
        create(**fields)


def test_names_are_taken_once_and_readers_only_look(create, bob):
    schedule = create()
    with pytest.raises(AlreadyExists):
        create()
    for change in (operations.pause_schedule, operations.run_schedule_now, operations.delete_schedule):
        with pytest.raises(Denied):
            change(bob, schedule)
