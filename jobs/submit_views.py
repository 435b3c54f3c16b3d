"""Pages: a job is submitted in two steps: its code, then what of it runs, in which environment, where."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from compute import named
from compute.environments import EnvironmentSpec
from compute.operations import local_cluster
from compute.queries import find_target, target_rows
from experiments.data.consuming import input_name
from experiments.data.queries import datasets
from experiments.data.runs import Wanted, inputs_of
from jobs import operations, projects, queries, snapshots
from jobs.api import experiment_named
from jobs.forms import CodeForm, JobForm
from jobs.models import Job, Snapshot
from jobs.operations.submission import Variables
from lib.errors import InvalidValue, StudioError
from lib.html import FORM_ERROR, done
from workspaces import access
from workspaces.request import Request

DATASETS_OFFERED = 200
PASTED = "train.py"
PROJECTS_OWN, GIVEN_HERE, AS_BEFORE = "project:", "packages:", "as-before:"


@access.needs("jobs.write")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: Request) -> HttpResponse:
    """Take the code, and go on to what of it runs."""
    form = CodeForm(request.POST, request.FILES) if request.method == "POST" else CodeForm()
    if request.method == "POST" and form.is_valid():
        try:
            snapshot = operations.store_snapshot(request.actor, request.workspace, files=contents(form.cleaned_data))
            url = reverse("jobs:submit", args=[request.workspace.name, snapshot.digest])
            data = request.GET.get("data", "")
            return done(request, f"{url}?{urlencode({'data': data})}" if data else url)
        except StudioError as error:
            form.add_error(error.field if error.field in form.fields else "uploads", str(error))
    return render(request, "jobs/job_code.html", {"form": form}, status=FORM_ERROR if form.errors else 200)


def contents(said: dict[str, Any]) -> dict[str, bytes]:
    """Give the files by their paths, the pasted script among them. Raises InvalidValue where it would hide a file."""
    files, script = said["uploads"], said["script"].replace("\r\n", "\n")
    is_zip = len(files) == 1 and files[0].name.lower().endswith(".zip")
    found = snapshots.unzipped(files[0]) if is_zip else {str(one.name): one.read() for one in files}
    if script.strip() and PASTED in found:
        raise InvalidValue(_("The files have a %s already: empty the field of the script.") % PASTED, field="script")
    return {**found, PASTED: script.encode()} if script.strip() else found


@access.needs("jobs.write")
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: Request, digest: str) -> HttpResponse:
    """Ask what runs.

    `?entry=` chooses an entry point of the project, `?from=` begins with what another job had, `?data=` with a dataset.
    """
    rows = queries.snapshots(request.actor, request.workspace)
    snapshot = access.fetch(request.actor, rows, digest=digest)
    base = job_to_clone(request)
    project = projects.read_project(partial(snapshots.text, snapshot))
    chosen = request.GET.get("entry", base.entry_point if base else first_entry(project))
    point = project.entry_point(chosen) if chosen else None
    form = form_for(request, snapshot, project, point, base)
    if request.method == "POST" and form.is_valid():
        try:
            job = submitted(request, snapshot, form, base)
            return done(request, reverse("experiments:run-job", args=[request.workspace.name, job.pk]))
        except StudioError as error:
            field = error.field if error.field in form.fields else f"parameter-{error.field}"
            form.add_error(field if field in form.fields else None, str(error))
    context = {"form": form, "snapshot": snapshot, "project": project, "chosen": chosen, "base": base}
    return render(request, "jobs/job_form.html", context, status=FORM_ERROR if form.errors else 200)


def job_to_clone(request: Request) -> Job | None:
    run_id = request.GET.get("from")
    rows = queries.jobs(request.actor, request.workspace)
    return access.fetch(request.actor, rows, pk=run_id) if run_id else None


def first_entry(project: projects.Project) -> str:
    names = [one.name for one in project.entry_points]
    return projects.MAIN if projects.MAIN in names else names[0] if names else ""


def form_for(
    request: Request,
    snapshot: Snapshot,
    project: projects.Project,
    point: projects.EntryPoint | None,
    base: Job | None,
) -> JobForm:
    rows = target_rows(request.workspace).filter(kind="cluster").exclude(state="Deleting")
    targets = list(dict.fromkeys([local_cluster().name, *rows.values_list("name", flat=True)]))
    known = [(one.reference, one.name) for one in named.all_named(request.actor, request.workspace)]
    choices = [(GIVEN_HERE, _("Packages given here")), *known]
    if project.environment_kind in ("conda", "python") or has_environment_file(snapshot):
        choices.insert(0, (PROJECTS_OWN, _("What the code's own file asks for")))
    if base is not None and base.environment is not None:
        choices.insert(0, (AS_BEFORE, _("As before")))
    return JobForm(
        request.POST if request.method == "POST" else None,
        initial={**begun(snapshot, targets), **(cloned(base) if base else {})},
        targets=targets,
        environments=choices,
        entry_point=point,
        datasets=offered(request),
        given=given_inputs(request, base),
    )


def offered(request: Request) -> list[str]:
    names = datasets(request.actor, request.workspace).values_list("name", flat=True)[:DATASETS_OFFERED]
    return [f"{name}@latest" for name in names]


def given_inputs(request: Request, base: Job | None) -> dict[str, Wanted]:
    """Give what the rows begin with: what the other job was given, gone or not, or the dataset of the address."""
    if base is not None:
        return {one.name: Wanted(one.reference) for one in inputs_of(base.run)}
    data = request.GET.get("data", "")[:300]
    return {input_name(data.rpartition("@")[0] or data): Wanted(data)} if data else {}


def has_environment_file(snapshot: Snapshot) -> bool:
    names = {"conda.yaml", "conda.yml", "environment.yml", "python_env.yaml", "requirements.txt"}
    return any(file.path in names for file in snapshots.files_of(snapshot))


def begun(snapshot: Snapshot, targets: list[str]) -> dict[str, Any]:
    scripts = [file.path for file in snapshots.files_of(snapshot) if file.path.endswith(".py")]
    script = next((path for path in ("train.py", "main.py") if path in scripts), scripts[0] if scripts else "train.py")
    return {
        "command": f"python {shlex.quote(script)}",
        "experiment": "Default",
        "target": targets[0] if targets else "",
    }


def cloned(base: Job) -> dict[str, Any]:
    given = {f"parameter-{name}": value for name, value in base.parameters.items()}
    return {
        **given,
        "experiment": base.run.experiment.name,
        "command": shlex.join(base.command),
        "target": base.target.name,
        "environment": AS_BEFORE,
        "time_limit_s": base.time_limit_s,
        "attempts_allowed": base.attempts_allowed,
        "env": "\n".join(f"{name}={value}" for name, value in base.env.items()),
    }


def submitted(request: Request, snapshot: Snapshot, form: JobForm, base: Job | None) -> Job:
    said = form.cleaned_data
    environment, environment_name = environment_of(request, snapshot, said, base)
    experiment = experiment_named(request.actor, request.workspace, said["experiment"])
    fields = {
        "snapshot": snapshot,
        "environment": environment,
        "environment_name": environment_name,
        "compute": find_target(request.actor, request.workspace, said["target"]),
        "name": said["name"],
        "env": Variables(said["env"]),
        "limits": base.limits if base else {},
        "attempts_allowed": said["attempts_allowed"],
        "time_limit_s": said["time_limit_s"],
        "inputs": form.inputs,
    }
    if form.entry_point is not None:
        return operations.submit_project(
            request.actor, experiment, entry_point=form.entry_point.name, parameters=form.parameters(), **fields
        )
    return operations.submit_job(request.actor, experiment, command=said["command"], **fields)


def environment_of(request: Request, snapshot: Snapshot, said: dict[str, Any], base: Job | None) -> tuple[Any, str]:
    chosen = said["environment"]
    if chosen == AS_BEFORE and base is not None and base.environment is not None:
        return EnvironmentSpec.from_json(base.environment.spec), base.environment_name
    if chosen == PROJECTS_OWN:
        read = partial(snapshots.text, snapshot)
        return projects.environment(projects.read_project(read), read), ""
    if chosen == GIVEN_HERE:
        lines = [line.strip() for line in said["packages"].splitlines() if line.strip()]
        return named.spec_of({"packages": lines}), ""
    try:
        one = named.find_named(request.actor, request.workspace, chosen)
    except StudioError as error:
        raise InvalidValue(str(error), field="environment") from None
    return one.spec, one.reference
