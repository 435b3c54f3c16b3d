"""A job's run goes with its log, and not while it runs."""

from __future__ import annotations

import pytest

from experiments import operations as runs
from experiments.models import Run
from experiments.purging import engine
from jobs import logs
from jobs.models import Job, JobState, Snapshot
from workspaces.access import Actor

pytestmark = pytest.mark.django_db


def purged(run_id: str):
    purge = runs.purge(Actor.system(), Run.objects.get(pk=run_id).workspace, kind="run", names=[run_id])
    assert engine.step(purge.pk)
    purge.refresh_from_db()
    return purge


def test_a_run_goes_with_its_job_and_log_once_it_has_ended(submit):
    job = submit()
    logs.append(logs.path(job, "std"), 0, b"epoch 1\n")
    runs.delete_run(Actor.system(), job.run)
    assert purged(job.pk).kept[0]["holders"] == [{"kind": "job", "name": job.pk}]
    Job.objects.update(state=JobState.COMPLETED)
    done = purged(job.pk)
    assert (done.freed["runs"], done.freed["files"], done.freed["size_bytes"]) == (1, 1, 8)
    assert not Job.objects.exists()
    assert not logs.folder(job.pk).exists()
    assert Snapshot.objects.exists()
