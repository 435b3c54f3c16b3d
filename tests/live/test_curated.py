"""The curated environments, with the index as it is today: all of them resolve, and one is built and used."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compute import named
from compute.curated import CURATED
from compute.environments import BuildFailed, interpreters
from compute.environments.build import Builder, uv_program
from tests.live.running import temporary_folder


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    """A builder with a cache of its own; skipped where no package index is reached."""
    folder = temporary_folder()
    made = Builder(root=folder / "environments", uv=uv_program(), cache=folder / "cache")
    made.root.mkdir()
    try:
        resolved(made, named.of_curated("AzureML-Minimal").spec.python, ("six",))
    except BuildFailed as error:
        pytest.skip(f"no package index is reached: {str(error)[:200]}")
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def resolved(builder: Builder, minor: str, requirements: tuple[str, ...]) -> str:
    """Ask for the versions that a build would install: wheels for the Python that it would take."""
    python, _note = interpreters.choose(minor, interpreters.installed())
    asked = builder.root / "asked.txt"
    asked.write_text("\n".join(requirements) + "\n")
    options = ["--no-build", "--no-header", "--no-annotate", "--quiet"]
    return builder.uv_says(["pip", "compile", "--python", str(python.path), *options, str(asked)], None)


@pytest.mark.parametrize("name", sorted(CURATED))
def test_a_curated_environment_resolves_to_wheels(name, builder):
    spec = named.of_curated(name).spec
    lines = resolved(builder, spec.python, tuple(spec.requirements)).splitlines()
    found = dict(line.split("==") for line in lines if "==" in line)
    assert found["mlflow-skinny"].startswith("2.22." if name == "AzureML-Tutorial" else "3.")
    wanted = {"azureml-sklearn-1.5": "1.5.", "sklearn-current": "1.9.", "AzureML-Tutorial": "1."}
    assert found.get("scikit-learn", "").startswith(wanted.get(name, ""))


def test_the_smallest_is_built_and_logs(builder, tmp_path: Path):
    built = builder.build(named.of_curated("AzureML-Minimal").spec)
    print(f"\nAzureML-Minimal: {built.seconds} s")
    script = "import mlflow, azureml.core; print(mlflow.__version__)"
    done = subprocess.run([built.python, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3.")
