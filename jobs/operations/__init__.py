"""Every change to jobs: by people (`submission`), by the nodes that run them (`running`), by time (`healing`,
`sweeping`, and what of `schedules` is due)."""

from jobs.operations.healing import make_room, mark_silent_jobs
from jobs.operations.plans import Planned, forget_plans, planned_as
from jobs.operations.running import Beat, Claim, append_log, beat, claim_job, finish_job
from jobs.operations.schedules import (
    create_schedule,
    delete_schedule,
    fire_schedules,
    pause_schedule,
    resume_schedule,
    run_schedule_now,
    update_schedule,
)
from jobs.operations.snapshots import Begun, list_snapshot, store_contents, store_snapshot
from jobs.operations.submission import cancel_job, rerun_job, run_sample, submit_job, submit_project
from jobs.operations.sweeping import move_sweeps
from jobs.operations.sweeps import cancel_sweep, start_sweep
from jobs.operations.unused import free_snapshots

__all__ = [
    "Beat",
    "Begun",
    "Claim",
    "Planned",
    "append_log",
    "beat",
    "cancel_job",
    "cancel_sweep",
    "claim_job",
    "create_schedule",
    "delete_schedule",
    "finish_job",
    "fire_schedules",
    "forget_plans",
    "free_snapshots",
    "list_snapshot",
    "make_room",
    "mark_silent_jobs",
    "move_sweeps",
    "pause_schedule",
    "planned_as",
    "rerun_job",
    "resume_schedule",
    "run_sample",
    "run_schedule_now",
    "start_sweep",
    "store_contents",
    "store_snapshot",
    "submit_job",
    "submit_project",
    "update_schedule",
]
