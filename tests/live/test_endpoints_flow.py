"""Endpoints as people use them: a registered model becomes an address that answers, whatever is killed meanwhile."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from tests.live.browser import keep, window
from tests.live.running import RunningStudio, until

X, Y = load_diabetes(return_X_y=True, as_frame=True)
MODEL = Ridge().fit(X, Y)
PACKAGES = [
    f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "pandas", "scikit-learn", "cloudpickle")
]
BUILD_S = 300
ROUNDS = int(os.environ.get("STUDIO_ENDPOINT_ROUNDS", "0"))  # 10 for the table of docs/deployments.md
long_one = pytest.mark.skipif(not ROUNDS, reason="takes long: set STUDIO_ENDPOINT_ROUNDS=1, or 10 for the whole table")
BODY = {"dataframe_split": {"columns": list(X.columns), "data": X.head(3).to_numpy().tolist()}}


class Client:
    """The studio's API and an endpoint's callers."""

    def __init__(self, studio: RunningStudio) -> None:
        self.studio = studio
        self.workspace = json.loads((studio.home / "config.json").read_text())["workspace_name"]
        headers = {"Authorization": f"Bearer {studio.token}", "Accept": "application/json"}
        self.api = httpx.Client(base_url=f"{studio.url}/w/{self.workspace}/api/v1/", headers=headers, timeout=60)

    def endpoint(self, name: str) -> dict:
        return self.api.get(f"endpoints/{name}").raise_for_status().json()

    def deploy(self, name: str, model: str, version: int = 1) -> None:
        self.api.post("endpoints", json={"name": name, "model": model, "version": version}).raise_for_status()

    def wait(self, name: str, *states: str, timeout_s: float = BUILD_S) -> dict:
        return until(lambda: (one := self.endpoint(name))["state"] in states and one, timeout_s)

    def keys(self, name: str) -> dict:
        return self.api.get(f"endpoints/{name}/keys").raise_for_status().json()

    def score(
        self, name: str, key: str = "", path: str = "score", body: object = BODY, timeout_s: float = 30
    ) -> httpx.Response:
        url = f"{self.studio.url}/endpoints/{self.workspace}/{name}/{path}"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.post(url, json=body, headers=headers, timeout=timeout_s)


@pytest.fixture(scope="module")
def client(studio) -> Client:
    return Client(studio)


TRAIN = """
import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
X, y = load_diabetes(return_X_y=True, as_frame=True)
model = Ridge().fit(X, y)
for _version in (1, 2):
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model, name="model", registered_model_name="diabetes", signature=infer_signature(X, model.predict(X)),
            input_example=X.head(2), serialization_format="cloudpickle", pip_requirements=PACKAGES,
        )
"""

BREAK = """
import contextlib
import mlflow
with mlflow.start_run() as run:
    mlflow.log_text(
        "flavors: {python_function: {loader_module: mlflow.sklearn, model_path: model.pkl},"
        " sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle}}", "broken/MLmodel")
    mlflow.log_text("\\n".join(PACKAGES), "broken/requirements.txt")
    mlflow.log_text("this is no pickle", "broken/model.pkl")
client = mlflow.MlflowClient()
with contextlib.suppress(mlflow.exceptions.MlflowException):  # a studio that was tested before has it
    client.create_registered_model("broken")
client.create_model_version("broken", f"runs:/{run.info.run_id}/broken", run.info.run_id)
"""


def run_client(studio: RunningStudio, code: str) -> None:
    """Run MLflow's own client in a process of its own: in this one, only its messages are loaded."""
    program = f"PACKAGES = {PACKAGES!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **studio.env}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def diabetes(studio, client):
    """An endpoint that serves version 1 of a model which has a second version too."""
    run_client(studio, TRAIN)
    client.deploy("diabetes", "diabetes")
    client.wait("diabetes", "Healthy", "Failed")
    yield "diabetes"
    client.api.delete("endpoints/diabetes")


def pid_of(client: Client, name: str) -> int:
    deployments = client.endpoint(name)["deployments"]
    return next(one for one in deployments if one["traffic"])["replicas_seen"][0]["pid"]


def test_the_answer_is_the_models_own(client, diabetes):
    assert client.endpoint(diabetes)["state"] == "Healthy", client.endpoint(diabetes)
    key, expected = client.keys(diabetes)["primary"], MODEL.predict(X.head(3)).tolist()
    assert client.score(diabetes, key).json() == expected
    assert client.score(diabetes, key, "invocations").json() == {"predictions": expected}
    assert client.score(diabetes, key, f"api/v1/service/{diabetes}/score").json() == expected


def test_nobody_gets_in_without_a_key(client, diabetes):
    assert client.score(diabetes).status_code == 401
    assert client.score(diabetes, client.studio.token).status_code == 401
    assert client.score("no-such-endpoint").status_code == 404


def test_a_new_key_counts_and_the_old_one_ends(client, diabetes):
    before = client.keys(diabetes)
    fresh = client.api.post(f"endpoints/{diabetes}/keys/regenerate", json={"which": "primary"}).json()["primary"]
    until(lambda: client.score(diabetes, fresh).status_code == 200, 60)
    assert client.score(diabetes, before["primary"]).status_code == 401
    assert client.score(diabetes, before["secondary"]).status_code == 200


@dataclass
class Load:
    """Keep-alive clients that go on asking, together `rate` times a second; `bad` are the answers that were not 200."""

    client: Client
    name: str
    clients: int = 1
    rate: float = 50
    count: int = 0
    bad: list[object] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Load:
        self.key = self.client.keys(self.name)["primary"]
        self.threads = [threading.Thread(target=self._run) for _number in range(self.clients)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        time.sleep(1)
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _run(self) -> None:
        url = f"{self.client.studio.url}/endpoints/{self.client.workspace}/{self.name}/score"
        pause = self.clients / self.rate
        with httpx.Client(headers={"Authorization": f"Bearer {self.key}"}, timeout=30) as caller:
            while not self.stopped.is_set():
                self.count += 1
                began = time.monotonic()
                try:
                    answer = caller.post(url, json=BODY)
                    self.bad += [] if answer.status_code == 200 else [answer.status_code]
                except httpx.HTTPError as error:
                    self.bad.append(repr(error))
                time.sleep(max(0.0, began + pause - time.monotonic()))


def serves(client: Client, name: str, revision: int) -> bool:
    found = {one["revision"]: one for one in client.endpoint(name)["deployments"]}
    return found[revision]["traffic"] == 100


@long_one  # the same on two replicas is below
def test_a_new_version_and_the_way_back_fail_no_request(client, diabetes):
    with Load(client, diabetes) as load:
        client.api.post(
            f"endpoints/{diabetes}/deployments", json={"model": "diabetes", "version": 2}
        ).raise_for_status()
        until(lambda: serves(client, diabetes, 2), 120)
        client.api.post(f"endpoints/{diabetes}/roll-back", json={"revision": 1}).raise_for_status()
        until(lambda: serves(client, diabetes, 1), 120)
    print(f"{load.count} requests, {len(load.bad)} failed")
    assert load.bad == []


def test_a_killed_replica_comes_back(client, diabetes):
    pid = pid_of(client, diabetes)
    os.kill(pid, signal.SIGKILL)
    key = client.keys(diabetes)["primary"]
    refused = client.score(diabetes, key)
    if refused.status_code != 200:
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
    until(lambda: client.score(diabetes, key).status_code == 200, 60)
    client.wait(diabetes, "Healthy", timeout_s=90)
    assert pid_of(client, diabetes) != pid


def test_a_replica_outlives_the_parts_around_it(client, diabetes, studio):
    pid, key = pid_of(client, diabetes), client.keys(diabetes)["primary"]
    for part in ("control", "beat", "web"):
        for member in studio.members(part):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)
        assert client.score(diabetes, key).status_code == 200
    until(studio.is_healthy, 90)
    client.wait(diabetes, "Healthy", timeout_s=90)
    assert pid_of(client, diabetes) == pid


@pytest.fixture(scope="module")
def prod(client, diabetes):
    """An endpoint of two replicas."""
    words = {"name": "prod", "model": "diabetes", "version": 1, "compute_type": "AKS", "num_replicas": 2}
    client.api.post("endpoints", json={**words, "standby_seconds": 20}).raise_for_status()
    client.wait("prod", "Healthy", "Failed")
    yield "prod"
    client.api.delete("endpoints/prod")


def replicas_of(client: Client, name: str) -> list[dict]:
    serving = next(one for one in client.endpoint(name)["deployments"] if one["traffic"])
    return serving["replicas_seen"]


def in_rotation(client: Client, name: str, count: int) -> bool:
    return sum(one["in_rotation"] for one in replicas_of(client, name)) == count == len(replicas_of(client, name))


def update(client: Client, name: str) -> None:
    """Deploy the next revision and wait until it serves."""
    before = max(one["revision"] for one in client.endpoint(name)["deployments"])
    body = {"model": "diabetes", "version": before % 2 + 1}
    client.api.post(f"endpoints/{name}/deployments", json=body).raise_for_status()
    until(lambda: serves(client, name, before + 1), 180)


def go_back(client: Client, name: str) -> None:
    newest = max(one["revision"] for one in client.endpoint(name)["deployments"])
    client.api.post(f"endpoints/{name}/roll-back", json={"revision": newest - 1}).raise_for_status()
    began = time.monotonic()
    until(lambda: serves(client, name, newest - 1), 60)
    print(f"  rolled back in {time.monotonic() - began:.1f} s")
    client.api.post(f"endpoints/{name}/roll-back", json={"revision": newest}).raise_for_status()
    until(lambda: serves(client, name, newest), 60)


def scale(client: Client, name: str) -> None:
    for count in (3, 2):
        client.api.patch(f"endpoints/{name}", json={"num_replicas": count}).raise_for_status()
        until(partial(in_rotation, client, name, count), 120)


def kill_one(client: Client, name: str) -> None:
    pid = replicas_of(client, name)[0]["pid"]
    os.kill(pid, signal.SIGKILL)

    def is_whole_again() -> bool:
        now = replicas_of(client, name)
        return [one["in_rotation"] for one in now] == [True, True] and pid not in [one["pid"] for one in now]

    until(is_whole_again, 120)


def reload_gateway(client: Client, name: str) -> None:
    master = client.studio.members("gateway")[0]
    for _time in range(3):
        os.kill(master.pid, signal.SIGHUP)
        time.sleep(1)


def kill_web_and_control(client: Client, name: str) -> None:
    for part in ("control", "web"):
        for member in client.studio.members(part):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)
    until(client.studio.is_healthy, 90)


FAULTS = {
    "rolling update": update,
    "roll back and forth": go_back,
    "scale to 3 and back": scale,
    "kill -9 of a replica": kill_one,
    "gateway reloaded": reload_gateway,
    "web and control killed": kill_web_and_control,
}
# A replica outlives web and control above as well, and unit tests say in which order replicas come and go.
LONG = ("scale to 3 and back", "web and control killed")


@pytest.mark.parametrize("fault", [pytest.param(one, marks=long_one if one in LONG else ()) for one in FAULTS])
def test_nothing_done_to_two_replicas_fails_a_request(client, prod, fault):
    rounds = ROUNDS or 1
    with Load(client, prod, clients=5) as load:
        for _round in range(rounds):
            FAULTS[fault](client, prod)
    print(f"{fault:24} rounds {rounds:3} requests {load.count:7} failed {len(load.bad):3}")
    assert load.bad == []


def answers_in_a_row(client: Client, name: str, key: str, count: int) -> bool:
    """Say whether so many callers, one after the other, are answered soon."""
    try:
        return all(client.score(name, key, timeout_s=1).status_code == 200 for _time in range(count))
    except httpx.TimeoutException:
        return False


def test_a_hung_replica_is_out_of_rotation_and_back_when_it_goes_on(client, prod):
    pid = replicas_of(client, prod)[1]["pid"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        until(lambda: not replicas_of(client, prod)[1]["in_rotation"], 30)
        key = client.keys(prod)["primary"]
        # What is told of a replica is a moment ahead of the gateway, which is reloading.
        until(lambda: answers_in_a_row(client, prod, key, 5), 30)
        print(f"out of rotation after {time.monotonic() - began:.1f} s")
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: in_rotation(client, prod, 2), 60)


@long_one  # one endpoint's only replica is killed above
def test_without_any_replica_callers_are_told_to_come_back(client, prod):
    key = client.keys(prod)["primary"]
    for one in replicas_of(client, prod):
        os.kill(one["pid"], signal.SIGKILL)
    refused = client.score(prod, key)
    if refused.status_code != 200:
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    until(lambda: client.endpoint(prod)["state"] == "Unhealthy" or in_rotation(client, prod, 2), 20)
    until(lambda: client.score(prod, key).status_code == 200, 60)
    until(lambda: in_rotation(client, prod, 2), 60)


def test_deleting_two_replicas_leaves_nothing_of_them(client, prod, studio):
    pids = [one["pid"] for one in replicas_of(client, prod)]
    key = max((studio.home / "replicas").glob("e*.0"), key=lambda path: path.stat().st_mtime).name.split("-")[0]
    client.api.delete(f"endpoints/{prod}").raise_for_status()
    until(lambda: client.api.get(f"endpoints/{prod}").status_code == 404, 60)
    assert client.score(prod).status_code == 404
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not list((studio.home / "replicas").glob(f"{key}-*"))
    assert not list((studio.home / "gateway/routes").glob(f"endpoint-{key[1:]}.*"))


def test_from_the_models_page_to_a_rolled_back_endpoint(client, diabetes, studio, chromium):
    """Three clicks to an address, a second version, a bad one that changes nothing, and one click back."""
    run_client(studio, BREAK)
    with window(chromium, studio.url, session=studio.session()) as page:
        page.goto(f"/w/{client.workspace}/models/diabetes/")
        page.get_by_role("link", name="Version 1", exact=True).first.click()
        page.get_by_role("link", name="Deploy", exact=True).click()
        page.get_by_role("button", name="Deploy", exact=True).click()
        page.wait_for_url("**/endpoints/diabetes-*/")
        name = page.url.rstrip("/").rpartition("/")[2]
        expect_state(page, "Revision 1", "Healthy")
        deploy_next(page, "diabetes")
        expect_state(page, "Revision 2", "Healthy")
        until(lambda: serves(client, name, 2), 30)
        deploy_next(page, "broken")
        expect_state(page, "Revision 3", "Failed")
        expect(page.get_by_text("could not be loaded")).to_be_visible()
        expect(page.get_by_text("UnpicklingError").first).to_be_visible()
        keep(page, "endpoint-failed")
        it_left_nothing(client, studio, name, 3)
        assert serves(client, name, 2)
        assert client.score(name, client.keys(name)["primary"]).status_code == 200
        began = time.monotonic()
        page.get_by_role("button", name="Roll back to revision 1").click()
        until(lambda: serves(client, name, 1), 30, every_s=0.1)
        print(f"rolled back by a click in {time.monotonic() - began:.1f} s")
        assert client.score(name, client.keys(name)["primary"]).status_code == 200
    client.api.delete(f"endpoints/{name}")


def expect_state(page: Page, revision: str, state: str) -> None:
    """Wait until the page of an endpoint is about a revision that is in this state."""
    section = page.locator("section", has=page.get_by_role("heading", name=revision, exact=True))
    expect(section.locator(".section-head .status")).to_have_text(state, timeout=BUILD_S * 1000)


def deploy_next(page: Page, model: str) -> None:
    """Put the newest version of a model onto the endpoint whose page is open."""
    page.get_by_role("link", name="Deploy", exact=True).click()
    choice = page.get_by_label("Model version")
    words = next(one for one in choice.locator("option").all_text_contents() if one.startswith(model))
    choice.select_option(label=words)
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/endpoints/*/")


def it_left_nothing(client: Client, studio: RunningStudio, name: str, revision: int) -> None:
    """See that a revision which failed says why, and has neither process nor folder."""
    found = next(one for one in client.endpoint(name)["deployments"] if one["revision"] == revision)
    assert (found["state"], found["traffic"], found["replicas_seen"]) == ("Failed", 0, [])
    assert "could not be loaded" in found["error"]
    assert "UnpicklingError" in found["trace"]
    until(lambda: not [line for line in scoring_processes(studio) if f"-r{revision}." in line], 30)
    assert not list((studio.home / "replicas").glob(f"*-r{revision}.*"))


def scoring_processes(studio: RunningStudio) -> list[str]:
    """List the scoring servers that run for a home, by their command lines."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().decode("utf-8", "replace").split("\0")
            found += [" ".join(words)] if any(word.startswith(f"{studio.home}/replicas/") for word in words) else []
    return found


def open_sockets(studio: RunningStudio) -> list[str]:
    """List the bound sockets of replicas and of mirrors."""
    lines = [line.split(maxsplit=7) for line in Path("/proc/net/unix").read_text().splitlines()]
    paths = [words[7] for words in lines if len(words) == 8]  # a home may have spaces in its name
    ours = (f"{studio.home}/replicas/", f"{studio.home}/run/mirror-")
    return [path for path in paths if path.startswith(ours)]


def test_after_the_last_endpoint_nothing_is_left(client, diabetes, studio):
    before = client.endpoint(diabetes)
    pid = pid_of(client, diabetes)
    assert scoring_processes(studio) and open_sockets(studio), before
    # Other files of tests may have left some in other workspaces of the studio that they share.
    lists = [f"{studio.url}/w/{one['name']}/api/v1/endpoints" for one in studio.get("/api/v1/workspaces").json()]
    for address in lists:
        for one in client.api.get(address).json():
            client.api.delete(f"{address}/{one['name']}").raise_for_status()
    until(lambda: all(client.api.get(address).json() == [] for address in lists), 90)
    assert client.score(diabetes).status_code == 404
    assert not Path(f"/proc/{pid}").exists()
    left = {
        "processes": scoring_processes(studio),
        "sockets": open_sockets(studio),
        "files": [path.name for path in (studio.home / "replicas").iterdir()],
        "routes": [path.name for path in (studio.home / "gateway/routes").glob("*.conf")],
        "mirrors": list((studio.home / "run").glob("mirror-*")),
    }
    assert not any(left.values()), left
