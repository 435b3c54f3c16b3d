"""Experiments and the runs of a script's own: metrics, tags, files, children, models."""

from pathlib import Path

import pytest
from azureml.core import Experiment, Model, Run
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import (
    ExperimentExecutionException,
    ModelPathNotFoundException,
    RunEnvironmentException,
    ServiceException,
    UserErrorException,
    WebserviceException,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(ws):
    return Experiment(ws, "diabetes")


@pytest.fixture
def run(experiment):
    return experiment.start_logging(display_name="first")


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "x" * 256, "a/b"])
def test_a_bad_name_is_refused_before_anything_is_asked(ws, wire, name):
    before = len(wire.asked)
    with pytest.raises(UserErrorException, match="cannot be the name of an experiment"):
        Experiment(ws, name)
    assert len(wire.asked) == before


def test_an_experiment_is_made_once(ws, experiment):
    assert Experiment(ws, "diabetes").id == experiment.id
    assert ws.experiments["diabetes"].id == experiment.id
    with pytest.raises(KeyError):
        ws.experiments["other"]


def test_an_archived_one_says_where_it_is(ws, experiment):
    experiment.archive()
    with pytest.raises(ExperimentExecutionException, match="in the trash"):
        Experiment(ws, "diabetes")
    experiment.reactivate()
    assert Experiment(ws, "diabetes").id == experiment.id


def test_a_run_completes_or_fails_with_its_with(experiment):
    with experiment.start_logging() as good:
        good.log("alpha", 0.03)
    assert good.get_status() == "Completed"
    with pytest.raises(ZeroDivisionError), experiment.start_logging() as bad:
        1 / 0  # noqa: B018
    assert bad.get_status() == "Failed"
    assert "ZeroDivisionError" in bad.get_details()["error"]["error"]["message"]


def test_one_value_is_given_alone_and_several_in_order(run):
    run.log("alpha", 0.03)
    for value in (3.0, 1.0, 2.0):
        run.log("loss", value)
    run.log_list("squares", (n * n for n in range(4)))
    assert run.get_metrics() == {"alpha": 0.03, "loss": [3.0, 1.0, 2.0], "squares": [0, 1, 4, 9]}
    assert run.get_metrics("alpha") == {"alpha": 0.03}


def test_words_rows_and_tables_come_back_as_they_were(run):
    run.log("kernel", "linear")
    run.log_row("fold", k=1, score=0.5, note="low")
    run.log_row("fold", k=2, score=0.75, note="high")
    run.log_table("both", {"x": [1, 2], "y": [3.5, 4.5]})
    assert run.get_metrics() == {
        "kernel": "linear",
        "fold": {"k": [1, 2], "score": [0.5, 0.75], "note": ["low", "high"]},
        "both": {"x": [1, 2], "y": [3.5, 4.5]},
    }


def test_another_process_goes_on_after_the_last_value(run, ws):
    run.log("loss", 1.0)
    ws.get_run(run.id).log("loss", 2.0)
    assert ws.get_run(run.id).get_metrics("loss") == {"loss": [1.0, 2.0]}


def test_numbers_that_json_lacks_are_kept(run):
    for value in (float("nan"), float("inf"), -float("inf")):
        run.log("odd", value)
    odd = run.get_metrics()["odd"]
    assert odd[0] != odd[0]
    assert odd[1:] == [float("inf"), -float("inf")]


def test_documents_are_files_of_the_run(run):
    run.log_confusion_matrix("cm", {"class_labels": ["a", "b"], "matrix": [[1, 0], [0, 1]]})
    assert run.get_metrics()["cm"] == "metrics/cm.json"
    assert run.get_metrics(populate=True)["cm"]["schema_type"] == "confusion_matrix"
    assert "metrics/cm.json" in run.get_file_names()


def test_tags_change_and_properties_do_not(run):
    run.tag("team", "blue")
    run.set_tags({"stage": 1})
    assert run.get_tags() == {"team": "blue", "stage": "1"}
    assert run.remove_tags("team") == {"stage": "1"}
    run.add_properties({"author": "me"})
    assert run.properties == {"author": "me"}
    with pytest.raises(UserErrorException, match="author"):
        run.add_properties({"author": "you"})


def test_runs_are_found_by_tags_and_the_newest_comes_first(experiment, run):
    second = experiment.start_logging()
    second.tag("team", "blue")
    second.child_run()
    assert [one.id for one in experiment.get_runs()] == [second.id, run.id]
    assert [one.id for one in experiment.get_runs(tags={"team": "blue"})] == [second.id]
    assert len(list(experiment.get_runs(include_children=True))) == 3


def test_children_know_their_parent(run):
    children = run.create_children(tag_key="fold", tag_values=[1, 2])
    assert {child.id for child in run.get_children()} == {child.id for child in children}
    assert children[0].parent.id == run.id
    grandchild = children[0].child_run("deep")
    assert grandchild.id in {one.id for one in run.get_children(recursive=True)}


def test_files_go_up_and_come_down(run, folder):
    (folder / "data/inner").mkdir(parents=True)
    (folder / "data/a.txt").write_text("a")
    (folder / "data/inner/b.bin").write_bytes(bytes(range(256)))
    run.upload_folder("out", str(folder / "data"))
    assert sorted(run.get_file_names()) == ["out/a.txt", "out/inner/b.bin"]
    with pytest.raises(UserErrorException, match="already"):
        run.upload_file("out/a.txt", str(folder / "data/a.txt"))
    run.download_files("out", str(folder / "back"), append_prefix=False)
    assert (folder / "back/inner/b.bin").read_bytes() == bytes(range(256))
    run.download_file("out/a.txt", str(folder / "a2.txt"))
    assert (folder / "a2.txt").read_text() == "a"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", ""])
def test_a_file_cannot_leave_the_run(run, folder, name):
    with pytest.raises(UserErrorException):
        run.upload_file(name, __file__)


def test_a_link_out_of_a_folder_is_left(run, folder):
    (folder / "data").mkdir()
    (folder / "data/real.txt").write_text("x")
    (folder / "data/out").symlink_to("/etc/hostname")
    run.upload_folder("up", str(folder / "data"))
    assert run.get_file_names() == ["up/real.txt"]


def test_a_folder_of_a_run_becomes_a_model_with_its_details(run, ws, folder):
    (folder / "model").mkdir()
    (folder / "model/MLmodel").write_text("flavors: {}")
    run.upload_folder("outputs/model", str(folder / "model"))
    model = run.register_model(
        "my-model", "outputs/model", tags={"area": "x"}, properties={"p": "1"},
        model_framework=Model.Framework.SCIKITLEARN,
        model_framework_version="0.19.1", description="d", resource_configuration=ResourceConfiguration(1, 0.5),
    )  # fmt: skip
    assert (model.id, model.version, model.run_id, model.description) == ("my-model:1", 1, run.id, "d")
    assert model.tags["area"] == "x"
    assert model.properties == {"p": "1"}
    assert (model.model_framework, model.model_framework_version) == ("ScikitLearn", "0.19.1")
    assert model.resource_configuration.memory_in_gb == 0.5
    assert ws.models["my-model"].id == "my-model:1"
    assert run.register_model("my-model", "./outputs/model").version == 2
    assert Model(ws, "my-model").version == 2
    assert Model(ws, id="my-model:1").version == 1


def test_nothing_at_a_models_path_says_what_there_is(run, folder):
    with pytest.raises(ModelPathNotFoundException, match="the run has no files"):
        run.register_model("m", "model")
    (folder / "model.joblib").write_text("x")
    run.upload_file("outputs/model.joblib", str(folder / "model.joblib"))
    with pytest.raises(ModelPathNotFoundException, match=r"Did you mean “outputs/model\.joblib”"):
        run.register_model("m", "model.joblib")


def test_a_local_file_is_registered_and_downloaded(ws, folder):
    (folder / "model.pkl").write_bytes(b"pickled")
    model = Model.register(ws, str(folder / "model.pkl"), "local-model", tags={"a": "b"})
    assert model.version == 1
    assert Path(model.download(str(folder / "down"))).read_text() == "pickled"
    with pytest.raises(WebserviceException, match="there already"):
        model.download(str(folder / "down"))
    model.download(str(folder / "down"), exist_ok=True)
    model.delete()
    with pytest.raises(WebserviceException, match="ModelNotFound"):
        Model(ws, "local-model")


def test_a_local_folder_is_registered_whole(ws, folder):
    (folder / "m/deep").mkdir(parents=True)
    (folder / "m/MLmodel").write_text("x")
    (folder / "m/deep/w.bin").write_bytes(b"1")
    path = Model.register(ws, str(folder / "m"), "folder-model").download(str(folder / "down"))
    assert (Path(path) / "deep/w.bin").read_text() == "1"


@pytest.mark.parametrize("name", ["", "a/b", ".x", "x" * 256])
def test_a_bad_model_name_is_refused(ws, name):
    with pytest.raises(WebserviceException, match="cannot be the name of a model"):
        Model.register(ws, __file__, name)


def test_tags_of_a_model_are_replaced(ws):
    model = Model.register(ws, __file__, "tagged", tags={"a": "1", "b": "2"})
    model.update(tags={"b": "3"}, description="new")
    assert Model(ws, "tagged").tags == {"b": "3"}
    model.remove_tags("b")
    assert Model(ws, "tagged").tags == {}
    assert Model(ws, "tagged").description == "new"


def test_a_script_by_itself_prints_what_it_would_log(capsys):
    run = Run.get_context()
    run.log("alpha", 0.03)
    run.log("kernel", "linear")
    run.upload_file("x", "y")
    run.complete()
    assert "Attempted to log metric alpha: 0.03" in capsys.readouterr().out
    with pytest.raises(RunEnvironmentException):
        Run.get_context(allow_offline=False)


def test_a_run_that_is_not_there_is_one_sentence(ws, experiment):
    with pytest.raises(ServiceException, match="does not exist"):
        Run(experiment, "0" * 32)
