"""Every change to jobs: by people (`submission`), by the nodes that run them (`running`), by time (`healing`)."""

from jobs.operations.healing import mark_silent_jobs
from jobs.operations.running import Beat, Claim, append_log, beat, claim_job, finish_job
from jobs.operations.submission import cancel_job, run_sample, store_snapshot, submit_job

__all__ = [
    "Beat",
    "Claim",
    "append_log",
    "beat",
    "cancel_job",
    "claim_job",
    "finish_job",
    "mark_silent_jobs",
    "run_sample",
    "store_snapshot",
    "submit_job",
]
