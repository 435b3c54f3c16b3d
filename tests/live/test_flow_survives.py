"""The main flow ends well although every part is killed on the way, its master and its children, one at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from studio.supervisor import processes
from tests.live import outside
from tests.live.running import RunningStudio, until

DURING_THE_JOB = ["web", "gateway", "database", "node"]
DURING_THE_DEPLOYMENT = ["control", "broker", "beat", "gateway"]
WITH_CHILDREN = ["gateway", "web", "database"]
PASSES = 200


class Api:
    """The studio's API as a patient client calls it: what is away for some seconds is asked again."""

    def __init__(self, studio: RunningStudio, workspace: str = "main") -> None:
        self.client = httpx.Client(
            base_url=f"{studio.url}/w/{workspace}/", headers={"Authorization": f"Bearer {studio.token}"}, timeout=30
        )

    def get(self, path: str, **query: object) -> dict:
        return until(lambda: self.tried("GET", path, params=query), 60, every_s=0.5)

    def post(self, path: str, body: dict) -> dict:
        return until(lambda: self.tried("POST", path, json=body), 60, every_s=0.5)

    def tried(self, method: str, path: str, **options) -> dict | None:
        with contextlib.suppress(httpx.HTTPError):
            answer = self.client.request(method, path, **options)
            if answer.status_code < 500:
                assert answer.is_success, answer.text
                return answer.json() or {"empty": True}
        return None


@pytest.fixture
def api(studio: RunningStudio) -> Iterator[Api]:
    opened = Api(studio)
    yield opened
    opened.client.close()


def kill_master(studio: RunningStudio, part: str) -> None:
    if outside.are_given() and part in ("database", "broker"):
        return  # not the studio's
    victim = studio.members(part)[0]
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: studio.parts()[part]["pid"] != victim.pid and studio.is_healthy(), 90)


def kill_children(studio: RunningStudio, part: str) -> None:
    if outside.are_given() and part == "database":
        return
    master = studio.members(part)[0].pid
    for child in [one for one in processes.every() if one.parent == master]:
        processes.send(child, signal.SIGKILL)
    until(studio.is_healthy, 90)


def test_a_run_becomes_an_endpoint_while_every_part_is_killed(studio: RunningStudio, api: Api):
    run_id = api.post("api/v1/jobs/sample", {})["run_id"]
    until(lambda: state(api, run_id) == "Running", 120)
    for part in DURING_THE_JOB:
        kill_master(studio, part)
    until(lambda: state(api, run_id) in ("Completed", "Failed"), 240)
    assert state(api, run_id) == "Completed"
    assert every_point_once(api, run_id)

    others = studio.replicas()
    source = api.get("api/2.0/mlflow/runs/get", run_id=run_id)["run"]["outputs"]["model_outputs"][0]["model_id"]
    name = f"survivor-{int(time.time())}"
    api.post("api/2.0/mlflow/registered-models/create", {"name": name})
    api.post("api/2.0/mlflow/model-versions/create", {"name": name, "source": f"models:/{source}", "model_id": source})
    api.post("api/v1/endpoints", {"name": name, "model": name, "version": 1})
    for part in DURING_THE_DEPLOYMENT:
        kill_master(studio, part)
    until(lambda: api.get(f"api/v1/endpoints/{name}")["state"] == "Healthy", 180)
    for part in WITH_CHILDREN:
        kill_children(studio, part)

    expected = artifact(api, run_id, "example_predictions.json")["predictions"]
    assert until(lambda: scored(studio, api, name, run_id), 60) == expected
    assert len(studio.replicas() - others) == 1, "a replica was started twice"
    api.client.delete(f"api/v1/endpoints/{name}").raise_for_status()
    until(lambda: studio.replicas() <= others, 60)


def state(api: Api, run_id: str) -> str:
    return api.get(f"api/v1/jobs/{run_id}")["state"]


def every_point_once(api: Api, run_id: str) -> bool:
    found = api.get("api/2.0/mlflow/metrics/get-history", run_id=run_id, metric_key="test_rmse")["metrics"]
    steps = [int(point["step"]) for point in found]
    assert steps == list(range(1, PASSES + 1))
    return True


def artifact(api: Api, run_id: str, path: str) -> dict:
    place = api.get("api/2.0/mlflow/runs/get", run_id=run_id)["run"]["info"]["artifact_uri"]
    return api.get(f"api/2.0/mlflow-artifacts/artifacts/{place.removeprefix('mlflow-artifacts:/')}/{path}")


def scored(studio: RunningStudio, api: Api, name: str, run_id: str) -> list[float] | None:
    example = model_file(api, run_id, "serving_input_example.json")
    key = api.get(f"api/v1/endpoints/{name}/keys")["primary"]
    url = f"{studio.url}/endpoints/main/{name}/score"
    with contextlib.suppress(httpx.HTTPError):
        answer = httpx.post(url, json=example, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        return answer.json() if answer.status_code == 200 else None
    return None


def model_file(api: Api, run_id: str, name: str) -> dict:
    outputs = api.get("api/2.0/mlflow/runs/get", run_id=run_id)["run"]["outputs"]
    model = api.get(f"api/2.0/mlflow/logged-models/{outputs['model_outputs'][0]['model_id']}")["model"]
    place = model["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    return api.get(f"api/2.0/mlflow-artifacts/artifacts/{place}/{name}")
