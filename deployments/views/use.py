"""Pages: try an endpoint, call it from code, read its logs."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from compute.queries import build_log
from deployments import forms, model_files, operations, queries, snippets, trial
from deployments.models import Endpoint
from deployments.trial_form import SignatureForm, columns_of, params_of, rows_of
from deployments.views.common import fetch, frame, url
from lib.errors import NotFound, StudioError
from lib.html import done, is_partial
from lib.http import number_in
from lib.textfile import Piece
from registry.models import ModelVersion
from workspaces import access
from workspaces.request import Request


def example(endpoint: Endpoint) -> str:
    """Give a body to try the endpoint with."""
    version = tried_version(endpoint)
    try:
        return model_files.example_body(version) if version else "{}"
    except NotFound:
        return "{}"


def tried_version(endpoint: Endpoint) -> ModelVersion | None:
    deployment = queries.serving(endpoint) or queries.shown(endpoint)
    return deployment.model_version if deployment else None


@access.needs(GET="deployments.read", POST="keys.read")
def endpoint_test(request: Request, name: str) -> HttpResponseBase:
    """Send a body: `body` as it is, or one made of the signature's fields; `?as=json` shows the raw one."""
    endpoint = fetch(request, name)
    signature = signature_form(request, endpoint)
    is_raw = signature is None or request.GET.get("as") == "json" or "body" in request.POST
    raw = forms.TrialForm(request.POST if request.method == "POST" else None, initial={"body": example(endpoint)})
    form = raw if is_raw or signature is None else signature
    context = {**frame(request, endpoint, "test"), "form": form, "is_raw": is_raw, "has_fields": signature is not None}
    if request.method == "POST" and not form.is_valid():
        context["problem"] = form.problem()
    elif request.method == "POST":
        try:
            context["trial"] = trial.send(endpoint, form.sent())
            context["curl"] = snippets.curl(endpoint, form.sent())
        except StudioError as error:
            context["problem"] = error.message
    template = "deployments/_answer.html" if is_partial(request) and form.is_bound else "deployments/endpoint_test.html"
    return render(request, template, context)


def signature_form(request: Request, endpoint: Endpoint) -> SignatureForm | None:
    """Make the fields of the model's signature, with the rows of its example; None where it has no plain columns."""
    version = tried_version(endpoint)
    described = model_files.describe(version) if version else None
    columns = columns_of(described)
    if not columns:
        return None
    is_sent = request.method == "POST" and "body" not in request.POST
    rows = rows_of(example(endpoint), columns)
    return SignatureForm(request.POST if is_sent else None, columns=columns, rows=rows, params=params_of(described))


@access.needs("deployments.read")
@require_GET
def endpoint_consume(request: Request, name: str) -> HttpResponse:
    endpoint = fetch(request, name)
    context = {**frame(request, endpoint, "consume"), "snippets": snippets.snippets(endpoint, example(endpoint))}
    return render(request, "deployments/endpoint_consume.html", context)


@access.needs("keys.read")
@require_POST
def endpoint_keys(request: Request, name: str) -> HttpResponse:
    """Show the keys, and the code with the primary one in it; the audit log says who looked."""
    endpoint = fetch(request, name)
    primary, secondary = operations.read_keys(request.actor, endpoint)
    context = {
        **frame(request, endpoint, "consume"),
        "primary": primary,
        "secondary": secondary,
        "snippets": snippets.snippets(endpoint, example(endpoint), primary),
    }
    template = "deployments/_consume.html" if is_partial(request) else "deployments/endpoint_consume.html"
    response = render(request, template, context)
    response["Cache-Control"] = "no-store"
    return response


@access.needs("keys.read")
@require_POST
def endpoint_token(request: Request, name: str) -> HttpResponse:
    """Make a token and show it once; the audit log says who asked."""
    endpoint = fetch(request, name)
    token = operations.new_token(request.actor, endpoint)
    context = {
        **frame(request, endpoint, "consume"),
        "token": token,
        "snippets": snippets.snippets(endpoint, example(endpoint), token.token),
    }
    template = "deployments/_consume.html" if is_partial(request) else "deployments/endpoint_consume.html"
    response = render(request, template, context)
    response["Cache-Control"] = "no-store"
    return response


@access.needs("deployments.write")
@require_POST
def endpoint_regenerate(request: Request, name: str, which: str) -> HttpResponseBase:
    endpoint = fetch(request, name)
    operations.regenerate_key(request.actor, endpoint, which=which)
    return done(request, url(request, endpoint, "endpoint-consume"))


@access.needs("deployments.write")
@require_POST
def endpoint_auth(request: Request, name: str) -> HttpResponseBase:
    endpoint = fetch(request, name)
    operations.change_endpoint(request.actor, endpoint, policy={"auth": request.POST.get("auth", "")})
    return done(request, url(request, endpoint, "endpoint-consume"))


@access.needs("deployments.read")
@require_GET
def endpoint_logs(request: Request, name: str) -> HttpResponse:
    endpoint = fetch(request, name)
    revisions = list(queries.deployments(endpoint))
    wanted = number_in(request, "revision")
    chosen = next((one for one in revisions if one.revision == wanted), None) or queries.shown(endpoint)
    replicas = sorted(int(row["name"].rpartition(".")[2]) for row in chosen.seen) if chosen else []
    replica = number_in(request, "replica")
    context = {
        **frame(request, endpoint, "logs"),
        "revisions": revisions,
        "chosen": chosen,
        "replicas": replicas,
        "replica": replica if replica in replicas else (replicas or [0])[0],
    }
    return render(request, "deployments/endpoint_logs.html", context)


@access.needs("deployments.read")
@require_GET
def replica_log(request: Request, name: str, revision: int, replica: int) -> JsonResponse:
    """Give what a replica wrote from `?offset=` on."""
    deployment = access.fetch(request.actor, queries.deployments(fetch(request, name)), revision=revision)
    return as_json(queries.replica_log(deployment, replica, number_in(request, "offset")))


@access.needs("deployments.read")
@require_GET
def replica_log_text(request: Request, name: str, revision: int, replica: int) -> FileResponse:
    """Give the whole log of a replica, to keep."""
    endpoint = fetch(request, name)
    deployment = access.fetch(request.actor, queries.deployments(endpoint), revision=revision)
    file = f"{endpoint.name}-{revision}.{replica}.log"
    pieces = (piece.encode() for piece in queries.whole_log(deployment, replica))
    return FileResponse(pieces, as_attachment=True, filename=file, content_type="text/plain; charset=utf-8")


@access.needs("deployments.read")
@require_GET
def revision_build_log(request: Request, name: str, revision: int) -> JsonResponse:
    """Give the log of the environment's build from `?offset=` on."""
    deployment = access.fetch(request.actor, queries.deployments(fetch(request, name)), revision=revision)
    if deployment.environment is None:
        return as_json(Piece("", 0, final=False))
    return as_json(build_log(deployment.environment, number_in(request, "offset")))


def as_json(piece: Piece) -> JsonResponse:
    return JsonResponse({"text": piece.text, "offset": piece.offset, "final": piece.final})
