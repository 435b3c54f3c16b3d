"""Environment and CondaDependencies."""

import pytest
from azureml.core import Environment
from azureml.core.environment import CondaDependencies
from azureml.exceptions import ServiceException, UserErrorException

pytestmark = pytest.mark.django_db

CONDA = """\
name: x
channels: [conda-forge]
dependencies:
  - python=3.6.2
  - scikit-learn=0.19.1
  - pip:
    - azureml-mlflow
    - numpy
"""


@pytest.fixture
def conda(folder):
    file = folder / "conda.yaml"
    file.write_text(CONDA)
    return str(file)


def test_a_conda_file_is_read(conda):
    made = Environment.from_conda_specification("x", conda).python.conda_dependencies
    assert list(made.conda_packages) == ["python=3.6.2", "scikit-learn=0.19.1"]
    assert list(made.pip_packages) == ["azureml-mlflow", "numpy"]
    assert made.python_version == "3.6.2"


@pytest.mark.parametrize("text", ["- a\n- b\n", "dependencies: []\nflavour: x\n", "a: [\n"])
def test_a_file_that_is_no_conda_file_is_refused(folder, text):
    (folder / "bad.yaml").write_text(text)
    with pytest.raises(UserErrorException):
        Environment.from_conda_specification("x", str(folder / "bad.yaml"))
    with pytest.raises(UserErrorException, match="cannot be read"):
        CondaDependencies(str(folder / "nothere.yaml"))


def test_packages_are_added_once_and_removed():
    made = CondaDependencies.create(pip_packages=["numpy"], conda_packages=["scipy"], python_version="3.10")
    made.add_pip_package("numpy==1.26")
    made.add_conda_package("scipy=1.11")
    made.add_channel("bioconda")
    assert "numpy==1.26" in made.pip_packages
    assert "numpy" not in made.pip_packages
    made.remove_pip_package("NumPy")
    made.remove_conda_package("scipy")
    assert all("numpy" not in one for one in made.pip_packages)
    assert list(made.conda_packages) == ["python=3.10"]
    assert "bioconda" in made.conda_channels


def test_what_is_saved_is_read_again(folder, conda):
    made = CondaDependencies(conda)
    again = CondaDependencies(made.save(str(folder / "again.yml")))
    assert again.as_dict() == made.as_dict()
    environment = Environment.from_conda_specification("x", conda)
    environment.save_to_directory(str(folder / "kept"))
    assert Environment.load_from_directory(str(folder / "kept")).python.conda_dependencies.as_dict() == made.as_dict()
    with pytest.raises(UserErrorException, match="overwrite=True"):
        environment.save_to_directory(str(folder / "kept"))


def test_requirements_of_pip_are_read(folder):
    (folder / "requirements.txt").write_text("# what it needs\nnumpy>=1.20\n\nscipy\n")
    made = Environment.from_pip_requirements("x", str(folder / "requirements.txt"))
    assert {"numpy>=1.20", "scipy"} <= set(made.python.conda_dependencies.pip_packages)


def test_the_same_content_keeps_its_version_and_other_content_has_the_next(ws, conda):
    first = Environment.from_conda_specification("mine", conda).register(ws)
    again = Environment.from_conda_specification("mine", conda).register(ws)
    assert first.version == again.version == "1"
    changed = Environment.from_conda_specification("mine", conda)
    changed.python.conda_dependencies.add_pip_package("scipy")
    assert changed.register(ws).version == "2"
    found = Environment.get(ws, "mine")
    assert found.version == "2"
    assert "scipy" in found.python.conda_dependencies.pip_packages
    assert Environment.get(ws, "mine", version="1").version == "1"
    assert ws.environments["mine"].version == "2"


def test_a_reserved_name_is_refused_and_a_clone_is_not(ws):
    curated = Environment.get(ws, "AzureML-Tutorial")
    with pytest.raises(UserErrorException, match="curated"):
        curated.register(ws)
    assert curated.clone("my-tutorial").register(ws).name == "my-tutorial"


def test_an_unknown_name_tells_near_ones(ws):
    with pytest.raises(ServiceException, match="AzureML-Tutorial"):
        Environment.get(ws, "AzureML-Tutoral")


def test_a_curated_one_is_asked_for_by_its_name(ws):
    assert Environment.get(ws, "AzureML-Tutorial")._asked()["reference"].startswith("AzureML-Tutorial@")


def test_what_was_changed_since_it_was_got_is_what_is_asked_for(ws):
    minimal = Environment.get(ws, "AzureML-Minimal")
    minimal.python.conda_dependencies.add_pip_package("lightgbm")
    asked = minimal._asked()
    assert "lightgbm" in asked["packages"]
    assert "reference" not in asked
    mine = minimal.clone("mine")
    assert "lightgbm" in mine.register(ws).python.conda_dependencies.pip_packages
    mine.python.conda_dependencies.add_conda_package("scipy")
    assert "scipy" in mine._asked()["files"]["conda.yaml"]


def test_one_of_a_requirements_file_keeps_its_packages_in_a_clone(ws):
    files = {"python_env.yaml": "python: '3.10'\ndependencies:\n- wheel\n- -r requirements.txt\n",
             "requirements.txt": "# pinned\nnumpy==1.26.4\n"}  # fmt: skip
    ws._api.post("environments", {"name": "listed", "definition": {"files": files}})
    found = Environment.get(ws, "listed")
    assert found._asked() == {"reference": "listed@1"}
    cloned = found.clone("other").register(ws).python.conda_dependencies
    assert list(cloned.pip_packages) == ["wheel", "numpy==1.26.4"]
    assert cloned.python_version == "3.10"


def test_a_build_is_asked_for_and_told(ws, conda):
    from compute.models import EnvironmentBuild

    details = Environment.from_conda_specification("mine", conda).build(ws)
    assert details.status in ("Queued", "Running")
    EnvironmentBuild.objects.update(state="failed", error="no wheel of it")
    with pytest.raises(ServiceException, match="no wheel of it"):
        details.wait_for_completion(show_output=False)
    EnvironmentBuild.objects.update(state="ready", error="")
    assert details.wait_for_completion(show_output=False).status == "Succeeded"
