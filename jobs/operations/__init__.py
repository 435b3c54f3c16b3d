"""Every change to jobs: by people (`submission`), by the nodes that run them (`running`), by time (`healing`)."""

from jobs.operations.healing import make_room, mark_silent_jobs
from jobs.operations.running import Beat, Claim, append_log, beat, claim_job, finish_job
from jobs.operations.snapshots import Begun, list_snapshot, store_contents, store_snapshot
from jobs.operations.submission import cancel_job, rerun_job, run_sample, submit_job, submit_project

__all__ = [
    "Beat",
    "Begun",
    "Claim",
    "append_log",
    "beat",
    "cancel_job",
    "claim_job",
    "finish_job",
    "list_snapshot",
    "make_room",
    "mark_silent_jobs",
    "rerun_job",
    "run_sample",
    "store_contents",
    "store_snapshot",
    "submit_job",
    "submit_project",
]
