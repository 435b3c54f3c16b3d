"""The page that puts a model version onto an endpoint."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from deployments import clusters, forms, operations, preflight, queries
from deployments.models import Endpoint, Target, Wanted
from experiments.models import Run
from lib.errors import StudioError
from lib.html import done
from lib.http import number_in
from registry.models import ModelVersion
from registry.operations import register_from_run
from workspaces import access
from workspaces.request import Request

CLUSTER_REPLICAS = 2


@access.needs("deployments.read")
@require_GET
def check(request: Request) -> HttpResponse:
    """The report on what is to be deployed, a fragment of the form.

    `?version=`, or `?run=&path=` for a run's model; `&memory_gb=&cpu_cores=&kind=&replicas=&compute_name=`.
    """
    try:
        version = version_in(request)
        findings = preflight.report(version, asked_in(request)) if version else []
    except StudioError as error:
        findings = preflight.refused(error)
    context = {"findings": findings, "is_good": preflight.is_good(findings)}
    return render(request, "deployments/_preflight.html", context)


def version_in(request: Request) -> ModelVersion | None:
    """Find what is to be deployed: a version, or what a run's model would be as one."""
    if run_id := request.GET.get("run"):
        run = access.fetch(request.actor, Run.objects.filter(workspace=request.workspace), pk=run_id)
        return preflight.candidate(request.actor, run, request.GET.get("path", ""))
    rows = queries.servable_versions(request.actor, request.workspace)
    return next((one for one in rows if key(one) == request.GET.get("version")), None)


def asked_in(request: Request) -> preflight.Asked:
    is_cluster = request.GET.get("kind") == Target.CLUSTER
    replicas = (number_in(request, "replicas") or CLUSTER_REPLICAS) if is_cluster else 1
    cluster = request.GET.get("compute_name", "") if is_cluster else ""
    sizes = decimal_in(request, "cpu_cores", 0.5), decimal_in(request, "memory_gb", 1.0)
    existing = queries.endpoints(request.actor, request.workspace).filter(name=request.GET.get("endpoint", "")).first()
    if existing is not None:
        replicas, cluster = queries.replicas_for_next(existing), existing.compute_name
    return preflight.Asked(*sizes, replicas=max(1, min(32, replicas)), cluster=cluster, endpoint=existing)


def decimal_in(request: Request, name: str, default: float) -> float:
    try:
        value = float(request.GET.get(name, ""))
    except ValueError:
        return default
    return value if 0 < value < 4096 else default


@access.needs("deployments.write")
def create(request: Request) -> HttpResponseBase:
    """Show the form with the model of `?model=&version=` (and `?endpoint=` for its next revision), or deploy."""
    versions = list(queries.servable_versions(request.actor, request.workspace))
    form = make_form(request, versions)
    if request.method != "POST":
        return page(request, form, versions)
    try:
        if form.is_valid():
            name = deploy(request, form, {key(version): version for version in versions})
            return done(request, reverse("deployments:endpoint-detail", args=[request.workspace.name, name]))
    except StudioError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    return page(request, form, versions, status=422)


def deploy(request: Request, form: forms.DeployForm, versions: dict[str, ModelVersion]) -> str:
    """Make a new endpoint or a new revision; give the endpoint's name."""
    values = dict(form.cleaned_data)
    version, existing = versions[values.pop("version")], values.pop("endpoint")
    if not existing:
        return create_one(request, version, values)
    endpoint = access.fetch(request.actor, queries.endpoints(request.actor, request.workspace), name=existing)
    size = operations.Size(values["cpu_cores"], values["memory_gb"])
    operations.deploy(request.actor, endpoint, model_version=version, size=size)
    return endpoint.name


def create_one(request: Request, version: ModelVersion, values: dict[str, Any]) -> str:
    size = operations.Size(values.pop("cpu_cores"), values.pop("memory_gb"))
    policy = {"auth": values.pop("auth")}
    replicas = values.pop("replicas")
    if values["kind"] == Target.CLUSTER:
        policy["replicas"] = replicas or CLUSTER_REPLICAS
    elif replicas and replicas > 1:
        policy["replicas"] = replicas
    made = operations.create_endpoint(
        request.actor, request.workspace, model_version=version, size=size, policy=policy, **values
    )
    return made.name


@access.needs("deployments.write")
def create_from_run(request: Request, run_id: str) -> HttpResponseBase:
    """Register what the run's Artifacts tab shows at `?path=` and put it onto a new endpoint, both or neither."""
    run = access.fetch(request.actor, Run.objects.filter(workspace=request.workspace), pk=run_id)
    path = request.GET.get("path", "")
    name = queries.free_name(request.workspace, run.experiment.name)
    form = forms.RunDeployForm(
        request.POST or None, clusters=clusters.names(request.workspace), initial={"model": name, "name": name}
    )
    try:
        if request.method == "POST" and form.is_valid():
            name = register_and_deploy(request, run, path, dict(form.cleaned_data))
            return done(request, reverse("deployments:endpoint-detail", args=[request.workspace.name, name]))
    except StudioError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    context = {"form": form, "has_versions": True, "run": run, "path": path}
    return render(request, "deployments/endpoint_create.html", context, status=422 if form.errors else 200)


@transaction.atomic
def register_and_deploy(request: Request, run: Run, path: str, values: dict[str, Any]) -> str:
    model = values.pop("model")
    version = register_from_run(request.actor, request.workspace, run=run, path=path, name=model)
    return create_one(request, version, values)


def make_form(request: Request, versions: list[ModelVersion]) -> forms.DeployForm:
    running = Endpoint.objects.filter(workspace=request.workspace, wanted=Wanted.RUNNING).order_by("name")
    chosen = chosen_version(request, versions)
    model = chosen.model.name if chosen else "model"
    return forms.DeployForm(
        request.POST if request.method == "POST" else None,
        clusters=clusters.names(request.workspace),
        versions=[(key(version), str(version)) for version in versions],
        endpoints=list(running.values_list("name", flat=True)),
        initial={
            "version": key(chosen) if chosen else None,
            "endpoint": request.GET.get("endpoint", ""),
            "name": queries.free_name(request.workspace, model),
        },
    )


def chosen_version(request: Request, versions: list[ModelVersion]) -> ModelVersion | None:
    """Find the version that the address names; the newest of the model, or of all, when it names none."""
    model, number = request.GET.get("model"), request.GET.get("version")
    named = [one for one in versions if model in (None, one.model.name) and number in (None, "", str(one.version))]
    return named[0] if named else None


def key(version: ModelVersion) -> str:
    return str(version.pk)


def page(request: Request, form: forms.DeployForm, versions: list[ModelVersion], status: int = 200) -> HttpResponse:
    context = {"form": form, "has_versions": bool(versions)}
    return render(request, "deployments/endpoint_create.html", context, status=status)
