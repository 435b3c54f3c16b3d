"""What importing costs, in which orders it works, and what is not offered; in interpreters of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "sdk" / "src"


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, *options, "-c", code], env=env, capture_output=True, text=True, timeout=300)


def test_the_client_loads_nothing_that_takes_long():
    code = """
import sys, time
began = time.process_time()
import azureml.core
assert time.process_time() - began < 0.5, time.process_time() - began
print([name for name in ("mlflow", "requests", "numpy", "pandas") if name in sys.modules])
"""
    done = python(code)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_what_runs_at_each_start_costs_next_to_nothing():
    done = python("import studio_sdk.start, sys; print('typing' in sys.modules, 'azureml' in sys.modules)", "-S")
    assert done.stdout.strip() == "False False", done.stderr


@pytest.mark.parametrize(
    "order",
    [
        "import studio_sdk.start, mlflow, azureml.core; mlflow.azureml.deploy",
        "import studio_sdk.start, mlflow.azureml; mlflow.azureml.deploy; import azureml.core",
        "import mlflow, azureml.core; mlflow.azureml.deploy",
    ],
)
def test_mlflow_has_azureml_in_every_order(order):
    done = python(order + "; print('there')")
    assert done.stdout.strip() == "there", done.stderr[-2000:]


@pytest.mark.parametrize(
    "order", ["import studio_sdk.start, mlflow.projects", "import mlflow.projects, studio_sdk.start, azureml.core"]
)
def test_projects_take_use_conda_again_and_say_so_once(order):
    code = f"""
{order}
import warnings
import mlflow
seen = []
from studio_sdk.mlflow_plugin import use_conda
class Fake: pass
fake = Fake(); fake.run = lambda *given, **named: seen.append(named)
use_conda.wrap(fake); use_conda.wrap(fake)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    fake.run("x", use_conda=False); fake.run("x", use_conda=True); fake.run("x")
print(seen, len(said), hasattr(mlflow.projects.run, "_takes_use_conda"))
"""
    done = python(code)
    assert done.stdout.strip() == "[{'env_manager': 'local'}, {'env_manager': 'conda'}, {}] 2 True", done.stderr[-2000:]


def test_a_name_that_is_not_offered_says_so():
    from azureml.exceptions import NotOffered

    with pytest.raises(NotOffered, match="not offered by the studio"):
        from azureml.core.compute import ComputeInstance  # noqa: F401
    with pytest.raises(AttributeError):
        import azureml.core

        azureml.core.Nonsense  # noqa: B018


@pytest.mark.parametrize("module", ["pipeline.core", "train.automl", "train.estimator", "opendatasets"])
def test_a_module_that_a_studio_has_not_says_so(module):
    import importlib

    from azureml.exceptions import NotOffered

    with pytest.raises(NotOffered, match="not offered by the studio"):
        importlib.import_module(f"azureml.{module}")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("azureml.nothing_such")
