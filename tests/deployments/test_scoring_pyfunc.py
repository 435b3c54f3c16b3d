"""Any MLflow flavour answers by its pyfunc: here one of the author's own, in a process that has all of MLflow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from pathlib import Path

import mlflow.pyfunc
import pandas

from deployments.scoring import models
from deployments.scoring.application import Application
from deployments.scoring.settings import SettingsFile
from tests.deployments.scoring import Caller


class Doubles(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return (model_input["x"] * 2).tolist()


home = Path(sys.argv[1])
signature = mlflow.models.infer_signature(pandas.DataFrame({"x": [1.0]}), [2.0])
mlflow.pyfunc.save_model(home / "model", python_model=Doubles(), signature=signature, pip_requirements=["mlflow"])
(home / "settings.json").write_text('{"auth": "none"}')
loaded = models.load(home / "model")
call = Caller(Application(loaded, SettingsFile(str(home / "settings.json"))))
answer = call(body={"dataframe_split": {"columns": ["x"], "data": [[1.5], [4.0]]}})
refused = call(body={"dataframe_split": {"columns": ["y"], "data": [[1.5]]}})
print(json.dumps([type(loaded).__name__, answer.status, answer.json, refused.status]))
"""


def test_a_flavour_of_ones_own_is_served(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.stdout, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == ["PyfuncModel", 200, [3.0, 8.0], 400]
