"""A service on this computer, for trying an entry script out: a child process, no container."""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from azureml.exceptions import WebserviceException

READY_WITHIN_S = 120.0
POLL_S = 0.2


class LocalDeploymentConfiguration:
    is_local = True

    def __init__(self, port: int | None = None) -> None:
        self.port = port

    def validate_configuration(self) -> None:
        pass


class LocalWebservice:
    """`port`, `run`, `reload`, `update`, `delete`, `get_logs`, as on a service of the studio."""

    compute_type = "Local"
    auth_enabled = False

    def __init__(self, workspace: Any, name: str, models: list[Any], inference_config: Any, config: Any) -> None:
        self.workspace, self.name, self.models = workspace, name, models
        self.inference_config = inference_config
        self.port = config.port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.process: subprocess.Popen[bytes] | None = None
        self.state = "Transitioning"

    @staticmethod
    def deploy_configuration(port: int | None = None) -> LocalDeploymentConfiguration:
        return LocalDeploymentConfiguration(port)

    @classmethod
    def _start(
        cls, workspace: Any, name: str, models: list[Any], inference_config: Any, config: Any
    ) -> LocalWebservice:
        if inference_config is None:
            raise WebserviceException(
                "A local service needs an inference_config: an entry script with init() and run()."
            )
        made = cls(workspace, name, models, inference_config, config)
        made._fetch_models()
        made._launch()
        atexit.register(made.delete)
        return made

    def _fetch_models(self) -> None:
        for model in self.models:
            model.download(str(self.folder / "models" / model.name / str(model.version)), exist_ok=True)

    def _launch(self) -> None:
        asked = self.inference_config._asked()
        for path, text in asked["files"].items():
            target = self.folder / "code" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        root = self.folder / "models"
        if len(self.models) == 1:
            root = root / self.models[0].name / str(self.models[0].version)
        log = (self.folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "studio_sdk.local_service", asked["entry_script"], str(self.port)],
            cwd=self.folder / "code",
            env={**os.environ, "AZUREML_MODEL_DIR": str(root), "PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()

    @property
    def scoring_uri(self) -> str:
        return f"http://localhost:{self.port}/score"

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait until the script's `init` is done. Raises WebserviceException with its output when it fails."""
        deadline = time.monotonic() + (timeout_sec or READY_WITHIN_S)
        while not self._answers():
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.state = "Failed"
                raise WebserviceException(f"The local service did not start:\n{self.get_logs()}")
            if show_output:
                print(".", end="", flush=True)
            time.sleep(POLL_S)
        self.state = "Healthy"
        if show_output:
            print(f"\nLocal webservice is running at http://localhost:{self.port}", flush=True)

    def _answers(self) -> bool:
        import requests

        try:
            return requests.get(f"http://localhost:{self.port}/", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def run(self, input_data: Any) -> Any:
        import requests

        response = requests.post(self.scoring_uri, data=input_data, timeout=120)
        if response.status_code == 200:
            return response.json()
        raise WebserviceException(f"The service answered {response.status_code}: {json.dumps(response.text[:2000])}")

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        lines = (self.folder / "log.txt").read_text(errors="replace").splitlines()
        return "\n".join(lines[-num_lines:])

    def reload(self, wait: bool = False) -> None:
        """Start it again with the script as it is now."""
        self._end()
        self._launch()
        if wait:
            self.wait_for_deployment()

    def update(self, models: list[Any] | None = None, inference_config: Any = None, **_more: Any) -> None:
        self.models, self.inference_config = models or self.models, inference_config or self.inference_config
        self._fetch_models()
        self.reload()

    def deploy_to_cloud(self, name: str, deployment_config: Any, deployment_target: Any = None) -> Any:
        """Deploy the same models and script in the studio."""
        from azureml.core.model import Model

        return Model.deploy(
            self.workspace, name, self.models, self.inference_config, deployment_config, deployment_target
        )

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def delete(self) -> None:
        import shutil

        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
