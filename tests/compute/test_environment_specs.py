from __future__ import annotations

import pytest

from compute.environments import BadEnvironment, parse_conda, parse_files, parse_python_env, parse_requirements
from compute.environments.spec import EnvironmentSpec

CONDA = """
name: mlflow-env
channels: [conda-forge]
dependencies:
- python=3.11.7
- pip<=24.0
- numpy=1.26
- conda-forge::scipy>=1.11
- pandas==2.2.3
- joblib=1.4.2=py311_0
- pytorch 2.1.*
- libgcc-ng=12
- pip:
  - mlflow==3.17.2
  - scikit-learn==1.6.1
  - azureml-defaults
"""


def test_conda_packages_get_the_names_and_pins_of_the_package_index():
    spec = parse_conda(CONDA)
    assert spec.python == "3.11"
    assert spec.name == "mlflow-env"
    assert spec.requirements == (
        "joblib==1.4.2", "mlflow==3.17.2", "numpy==1.26.*", "pandas==2.2.3", "scikit-learn==1.6.1", "scipy>=1.11",
        "torch==2.1.*",
    )  # fmt: skip


def test_what_was_left_out_is_said():
    notes = " ".join(parse_conda(CONDA).notes)
    assert "azureml-defaults" in notes
    assert "libgcc-ng" in notes


def test_equal_content_has_an_equal_name_wherever_it_was_read():
    one = parse_requirements("Scikit_Learn==1.6.1\nnumpy>=1.26,<3  # arrays\n", python="3.11.2")
    two = parse_conda("dependencies: [python=3.11, {pip: ['numpy<3,>=1.26', 'scikit-learn==1.6.1']}]", name="other")
    assert one.digest == two.digest
    assert one.digest != parse_requirements("numpy", python="3.11").digest
    assert one.digest != parse_requirements("scikit-learn==1.6.1\nnumpy>=1.26,<3", python="3.12").digest


def test_it_travels():
    spec = parse_conda(CONDA)
    again = EnvironmentSpec.from_json(spec.as_json())
    assert (again.digest, again.requirements) == (spec.digest, spec.requirements)


def test_the_files_of_a_model_are_read_python_env_first():
    files = {
        "python_env.yaml": "python: 3.11.7\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]",
        "requirements.txt": "mlflow==3.17.2",
        "conda.yaml": "dependencies: [other]",
    }
    spec = parse_files(files)
    assert (spec.python, spec.requirements) == ("3.11", ("mlflow==3.17.2",))


def test_without_any_file_it_says_which_are_wanted():
    with pytest.raises(BadEnvironment, match=r"conda\.yaml"):
        parse_files({"MLproject": ""})


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt", "--index-url https://evil.example", "-e .", "./local", "/etc/passwd", "../up", "~/x",
        "name @ https://evil.example/x.whl", "git+https://evil.example/x", "x.whl", "https://evil.example/x.tar.gz",
        "name; rm -rf", "na me", "name==1 --hash=sha256:0", "$(id)",
    ],
)  # fmt: skip
def test_only_packages_of_the_index_are_taken(line):
    with pytest.raises(BadEnvironment):
        parse_requirements(line)


@pytest.mark.parametrize(
    "text",
    ["[", "- a", "dependencies: 7", "dependencies: [{pip: x}]", "dependencies: [{pip: [1]}]", "!!python/object:a.b {}",
     "dependencies: ['a b c']", "dependencies: [python=2.7]"],
)  # fmt: skip
def test_bad_conda_files_are_refused_with_a_sentence(text):
    with pytest.raises(BadEnvironment):
        parse_conda(text)


def test_a_python_that_is_none_is_refused():
    with pytest.raises(BadEnvironment, match="version of Python"):
        parse_python_env("python: latest\ndependencies: []")
