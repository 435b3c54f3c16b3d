"""Datastores and datasets of old scripts, against the studio's own."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from azureml.core import Dataset, Datastore, Environment, Experiment, Run, ScriptRunConfig
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.data import DataPath, DataType, FileDataset, TabularDataset
from azureml.data.dataset_error_handling import DatasetExecutionError, DatasetValidationError
from azureml.exceptions import NotOffered, UserErrorException

from experiments.data.models import DatasetVersion
from experiments.models import RunDataset
from jobs.models import Job

pytestmark = pytest.mark.django_db

WEATHER = "day,rain,place\n2024-01-01,1.5,Kiel\n2024-01-02,0,Ulm\n2024-01-03,,Ulm\n"


@pytest.fixture
def store(ws, folder):
    """The workspace's datastore with weather/2024/a.csv, weather/2024/b.csv, weather/notes.txt."""
    (folder / "local/2024").mkdir(parents=True)
    (folder / "local/2024/a.csv").write_text(WEATHER)
    (folder / "local/2024/b.csv").write_text("day,rain,place\n2024-02-01,9,Bonn\n")
    (folder / "local/notes.txt").write_text("hello")
    found = ws.get_default_datastore()
    found.upload(str(folder / "local"), target_path="weather", show_progress=False)
    return found


@pytest.fixture
def table(store):
    return Dataset.Tabular.from_delimited_files(path=(store, "weather/2024/a.csv"))


def inside(folder):
    return sorted(one.name for one in Path(folder).iterdir())


# ---- Datastores ----------------------------------------------------------------------


def test_a_workspace_has_its_own_datastore(ws):
    own = ws.get_default_datastore()
    assert own.name == Datastore.get(ws, "workspaceblobstore").name == "workspaceblobstore"
    assert list(ws.datastores) == ["workspaceblobstore"]
    ws.set_default_datastore("workspaceblobstore")
    with pytest.raises(UserErrorException):
        Datastore.get(ws, "nothere")


def test_a_folder_goes_up_and_down_again(store, folder):
    assert store.download(str(folder / "down"), prefix="weather/2024", show_progress=False) == 2
    assert (folder / "down/weather/2024/a.csv").read_text() == WEATHER
    assert store.download(str(folder / "down"), prefix="weather/2024", show_progress=False) == 0
    assert store.download(str(folder / "all"), show_progress=False) == 3
    assert store.download(str(folder / "some"), prefix="weather/no", show_progress=False) == 1
    assert store.download(str(folder / "none"), prefix="nothere/x", show_progress=False) == 0


def test_files_are_uploaded_by_their_path_from_a_root(store, folder, capsys):
    files = [str(folder / "local/2024/a.csv")]
    store.upload_files(files, relative_root=str(folder / "local"), target_path="again")
    store.upload_files(files, target_path="flat")
    said = capsys.readouterr().out
    assert "Uploading 1 files to again" in said
    assert [one.path for one in store._store.chosen(["again", "flat"][:1])] == ["again/2024/a.csv"]
    assert [one.path for one in store._store.chosen(["flat"])] == ["flat/a.csv"]


def test_what_is_there_stays_unless_it_may_be_overwritten(store, folder, capsys):
    (folder / "local/notes.txt").write_text("changed")
    store.upload(str(folder / "local"), "weather")
    assert "Target already exists. Skipping upload for weather/notes.txt" in capsys.readouterr().out
    store.upload(str(folder / "local"), "weather", overwrite=True)
    store.download(str(folder / "down"), "weather/notes.txt")
    assert (folder / "down/weather/notes.txt").read_text() == "changed"


def test_files_that_are_not_there_are_said_before_anything_is_sent(store, wire):
    before = len(wire.asked)
    with pytest.raises(UserErrorException, match=r"nothere\.csv"):
        store.upload_files(["nothere.csv"])
    with pytest.raises(UserErrorException, match="no folder"):
        store.upload("nothere")
    with pytest.raises(UserErrorException, match="not below"):
        store.upload_files([sys.executable], relative_root="local")
    assert len(wire.asked) == before


def test_an_operators_folder_is_opened_read_and_forgotten(ws, folder, settings):
    (folder / "offered").mkdir()
    (folder / "offered/x.csv").write_text("x\n1\n")
    settings.DATA_FOLDERS = {"offered": folder / "offered"}
    made = Datastore.register_folder(ws, "mine", "offered")
    assert (made.datastore_type, made.is_default) == ("folder", False)
    assert Dataset.Tabular.from_delimited_files((made, "x.csv")).to_pandas_dataframe()["x"].tolist() == [1]
    with pytest.raises(UserErrorException, match="own datastore"):
        made.set_as_default()
    made.unregister()
    assert "mine" not in ws.datastores


def test_what_the_studio_does_not_open_is_refused_with_its_reason(ws):
    with pytest.raises(NotOffered, match="file shares"):
        Datastore.register_azure_file_share(ws, "x", "share", "account")
    with pytest.raises(NotOffered, match="databases"):
        Datastore.register_azure_sql_database(ws, "x")
    with pytest.raises(NotOffered, match="data lakes"):
        Datastore.register_azure_data_lake_gen2(ws, "x", "files", "account")
    with pytest.raises(UserErrorException):
        Datastore.register_folder(ws, "x", "nothere")


@pytest.mark.parametrize(
    ("register", "asked"),
    [
        (
            lambda ws: Datastore.register_azure_blob_container(ws, "x", "c", "a", account_key="k"),
            {"kind": "azure_blob", "container": "c", "account": "a", "secret": {"account_key": "k"}},
        ),
        (
            lambda ws: Datastore.register_s3_bucket(ws, "x", "c", "i", "k", "http://s3.test", "eu"),
            {"kind": "s3", "container": "c", "endpoint": "http://s3.test", "region": "eu",
             "secret": {"access_key_id": "i", "secret_access_key": "k"}},
        ),
        (lambda ws: Datastore.register_gcs_bucket(ws, "x", "c"), {"kind": "gcs", "container": "c"}),
    ],
)  # fmt: skip
def test_buckets_are_asked_for_as_the_studio_takes_them(ws, monkeypatch, register, asked):
    sent = []
    row = {"name": "x", "kind": asked["kind"], "is_default": False}
    monkeypatch.setattr(type(ws._api), "post", lambda self, path, body: sent.append((path, body)) or row)
    assert register(ws).datastore_type == asked["kind"]
    assert sent == [("datastores", {"name": "x", **asked})]


# ---- Tables ----------------------------------------------------------------------


def test_a_table_is_read_with_types_that_it_looks_like(table):
    frame = table.to_pandas_dataframe()
    assert list(frame.columns) == ["day", "rain", "place"]
    assert frame["day"].iloc[1] == pd.Timestamp("2024-01-02")
    assert frame["rain"].isna().sum() == 1


def test_several_files_and_patterns_are_one_table(store):
    both = Dataset.Tabular.from_delimited_files(path=[(store, "weather/2024/*.csv")])
    assert len(both.to_pandas_dataframe()) == 4
    listed = Dataset.Tabular.from_delimited_files([DataPath(store, "weather/2024/b.csv"), (store, "weather/**/a.csv")])
    assert listed.to_pandas_dataframe()["place"].tolist() == ["Kiel", "Ulm", "Ulm", "Bonn"]


def test_options_and_types_are_followed(store, folder):
    (folder / "odd.txt").write_text("007;1,5;yes;03.02.2024\n", encoding="latin-1")
    store.upload_files([str(folder / "odd.txt")], target_path="odd", show_progress=False)
    kinds = {
        "Column1": DataType.to_string(), "Column2": DataType.to_float(","), "Column4": DataType.to_datetime("%d.%m.%Y")
    }  # fmt: skip
    made = Dataset.Tabular.from_delimited_files(
        (store, "odd/odd.txt"), separator=";", header=False, infer_column_types=False, encoding="latin1",
        set_column_types=kinds,
    )  # fmt: skip
    assert made.to_pandas_dataframe().iloc[0].tolist() == ["007", 1.5, "yes", pd.Timestamp("2024-02-03")]
    longs = pd.Series(["1", "x", None])
    assert DataType.to_long().of(longs).tolist() == [1, pd.NA, pd.NA]
    assert DataType.to_bool().of(pd.Series(["True", "0"])).tolist() == [True, False]


def test_rows_columns_and_times_are_selected_when_it_is_read(table):
    assert table.take(2).skip(1).to_pandas_dataframe()["place"].tolist() == ["Ulm"]
    assert list(table.keep_columns(["rain"]).to_pandas_dataframe()) == ["rain"]
    assert list(table.drop_columns("rain").to_pandas_dataframe()) == ["day", "place"]
    timed = table.with_timestamp_columns("day", validate=True)
    both = timed.time_between(datetime(2024, 1, 1), datetime(2024, 1, 2)).to_pandas_dataframe()
    assert both["place"].tolist() == ["Kiel", "Ulm"]
    assert len(timed.time_before(datetime(2024, 1, 2), include_boundary=False).to_pandas_dataframe()) == 1
    assert len(timed.time_after(datetime(2024, 1, 2)).to_pandas_dataframe()) == 2
    first, rest = table.random_split(0.67, seed=1)
    assert len(first.to_pandas_dataframe()) + len(rest.to_pandas_dataframe()) == 3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: Dataset.Tabular.from_delimited_files((s, "nothere.csv")), "no file at"),
        (lambda s: Dataset.Tabular.from_delimited_files((s, "weather/*.parquet")), "no file at"),
        (lambda s: Dataset.Tabular.from_delimited_files("local/a.csv"), "uploaded first"),
        (lambda s: Dataset.Tabular.from_delimited_files(7), "list of them"),
        (lambda s: Dataset.Tabular.from_delimited_files((s, "x"), separator="::"), "one character"),
        (lambda s: Dataset.Tabular.from_delimited_files((s, "x"), encoding="ebcdic"), "encoding"),
        (lambda s: Dataset.Tabular.from_delimited_files((s, "x"), partition_format="/{a}"), "partition_format"),
    ],
)
def test_what_cannot_be_a_dataset_is_said(store, make, said):
    with pytest.raises(DatasetValidationError, match=said):
        make(store)


def test_a_column_that_is_missing_and_a_time_that_was_not_named_are_said(store, table):
    with pytest.raises(UserErrorException, match=r"no column snow; there are: day, rain, place"):
        table.keep_columns(["snow"]).to_pandas_dataframe()
    with pytest.raises(UserErrorException, match="with_timestamp_columns"):
        table.time_after(datetime(2024, 1, 1))
    with pytest.raises(DatasetExecutionError, match=r"notes\.txt"):
        Dataset.Tabular.from_parquet_files((store, "weather/notes.txt")).to_pandas_dataframe()


# ---- Registering ----------------------------------------------------------------------


def test_a_table_is_registered_found_and_read_again(ws, table):
    made = table.with_timestamp_columns("day").register(ws, "rain", "by day", {"source": "dwd"})
    assert (made.name, made.version, made.id) == ("rain", 1, "rain@1")
    found = Dataset.get_by_name(ws, "rain")
    assert isinstance(found, TabularDataset)
    assert (found.description, found.tags["source"], found.timestamp_columns[0]) == ("by day", "dwd", "day")
    assert len(found.to_pandas_dataframe()) == 3
    assert Dataset.get_by_id(ws, "rain@1").id == ws.datasets["rain"].id == "rain@1"
    assert list(Dataset.get_all(ws)) == ["rain"]
    with pytest.raises(KeyError):
        ws.datasets["snow"]
    with pytest.raises(UserErrorException):
        Dataset.get_by_name(ws, "rain", version=9)


def test_the_same_again_is_the_same_version_and_other_content_wants_a_new_one(ws, store, table):
    assert table.register(ws, "rain").version == table.register(ws, "rain").version == 1
    other = Dataset.Tabular.from_delimited_files((store, "weather/2024/b.csv"))
    with pytest.raises(UserErrorException, match="create_new_version=True"):
        other.register(ws, "rain")
    assert other.register(ws, "rain", create_new_version=True).version == 2
    assert len(Dataset.get_by_name(ws, "rain", version=1).to_pandas_dataframe()) == 3


def test_selected_rows_are_registered_as_what_they_are(ws, table):
    made = table.take(1).register(ws, "first-day")
    assert DatasetVersion.objects.get(dataset__name="first-day").options == {"format": "parquet"}
    assert made.to_pandas_dataframe()["day"].tolist() == [pd.Timestamp("2024-01-01")]


def test_a_frame_is_stored_and_registered(ws, store):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    made = Dataset.Tabular.register_pandas_dataframe(frame, (store, "frames"), "frame", show_progress=False)
    pd.testing.assert_frame_equal(made.to_pandas_dataframe(), frame)
    again = Dataset.Tabular.register_pandas_dataframe(frame, store, "frame", show_progress=False)
    assert again.version == 2


def test_tags_are_added_and_removed_and_a_name_forgotten(ws, table):
    made = table.register(ws, "rain", tags={"a": "1"}).add_tags({"b": "2"}).remove_tags(["a"])
    assert Dataset.get_by_name(ws, "rain").tags == made.tags == {"b": "2"}
    assert made.update(description="new").description == Dataset.get_by_name(ws, "rain").description == "new"
    made.unregister_all_versions()
    assert "rain" not in ws.datasets
    with pytest.raises(UserErrorException, match="not registered"):
        table.add_tags({"a": "1"})


# ---- Files ----------------------------------------------------------------------


def test_files_are_listed_downloaded_and_narrowed(store, folder):
    files = Dataset.File.from_files((store, "weather"))
    assert files.to_path() == ["/2024/a.csv", "/2024/b.csv", "/notes.txt"]
    paths = files.download(str(folder / "got"))
    assert (folder / "got/notes.txt").read_text() == "hello"
    assert paths[0] == str(folder / "got/2024/a.csv")
    with pytest.raises(UserErrorException, match="overwrite=True"):
        files.download(str(folder / "got"))
    files.download(str(folder / "got"), overwrite=True)
    assert files.take(1).to_path() == ["/2024/a.csv"]
    assert files.skip(2).to_path() == ["/notes.txt"]
    first, rest = files.random_split(0.5, seed=3)
    assert sorted(first.to_path() + rest.to_path()) == files.to_path()
    with files.mount() as mounted:
        assert inside(mounted.mount_point) == ["2024", "notes.txt"]
    assert not Path(mounted.mount_point).exists()


def test_a_local_folder_becomes_a_dataset(ws, store, folder):
    made = Dataset.File.upload_directory(str(folder / "local"), (store, "up"), pattern="**/*.csv", show_progress=False)
    assert made.to_path() == ["/2024/a.csv", "/2024/b.csv"]
    kept = made.register(ws, "up")
    assert (kept.version, Dataset.get_by_name(ws, "up").to_path()) == (1, made.to_path())
    assert kept.take(1).register(ws, "first").to_path() == ["/a.csv"]


def test_files_of_the_web_are_read_and_copied_when_registered(ws, monkeypatch):
    from azureml.data import _sources

    monkeypatch.setattr(_sources.Web, "read", lambda self, file: iter([WEATHER.encode()]))
    made = Dataset.Tabular.from_delimited_files("https://example.org/data/rain.csv?sig=1")
    assert len(made.to_pandas_dataframe()) == 3
    kept = made.register(ws, "web")
    path = DatasetVersion.objects.get(dataset__name="web").files[0]["path"]
    assert (path.startswith("web/"), path.endswith("/rain.csv")) == (True, True)
    assert len(kept.to_pandas_dataframe()) == 3
    assert made.register(ws, "web").version == 1


# ---- In runs ----------------------------------------------------------------------


@pytest.fixture
def code(folder):
    (folder / "code").mkdir()
    (folder / "code/train.py").write_text("")
    return folder / "code"


def remote(ws, code, *arguments):
    cluster = ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2"))
    environment = Environment("own")
    environment.python.conda_dependencies.add_pip_package("pandas")
    return ScriptRunConfig(
        str(code), script="train.py", arguments=list(arguments), compute_target=cluster, environment=environment
    )


def test_a_job_is_given_its_inputs_as_folders_and_as_ids(ws, store, table, code):
    files = Dataset.File.from_files((store, "weather")).register(ws, "weather")
    config = remote(
        ws, code, "--data", files.as_named_input("data").as_mount(), "--table", table.as_named_input("rain"),
        "--more", store.path("weather/2024").as_download(),
    )  # fmt: skip
    run = Experiment(ws, "data").submit(config)
    job = Job.objects.get(pk=run.id)
    automatic = Dataset.get_by_name(ws, next(one for one in ws.datasets if one.startswith("unregistered-")))
    more = job.command[-1].removeprefix("${{inputs.").removesuffix("}}")
    assert job.command[2:6] == ["--data", "${{inputs.data}}", "--table", run.input_datasets["rain"].id]
    assert sorted(run.input_datasets) == sorted(["data", "rain", more])
    assert run.input_datasets["data"].to_path() == files.to_path()
    assert automatic.version == 1
    names = {one["consumptionDetails"]["inputName"] for one in run.get_details()["inputDatasets"]}
    assert names == {"data", "rain", more}


def test_the_same_unregistered_files_are_one_version(ws, store, code):
    for _time in range(2):
        files = Dataset.File.from_files((store, "weather"))
        Experiment(ws, "data").submit(remote(ws, code, files.as_download()))
    assert DatasetVersion.objects.count() == 1


def test_inside_a_run_inputs_are_folders_and_datasets(ws, store, table, code, monkeypatch):
    table.register(ws, "rain")
    run = Experiment(ws, "data").start_logging()
    monkeypatch.setenv("AZUREML_RUN_ID", run.id)
    monkeypatch.setenv("AZUREML_ARM_WORKSPACE_NAME", "main")
    monkeypatch.setenv("AZUREML_DATAREFERENCE_data", "/somewhere")
    monkeypatch.setenv("STUDIO_DATASETS", '{"rain": "rain@1"}')
    inputs = Run.get_context().input_datasets
    assert inputs["data"] == "/somewhere"
    assert len(inputs["rain"].to_pandas_dataframe()) == 3


def test_a_run_of_this_computer_gets_copies_and_records_them(ws, store, table, code):
    from azureml._jobs.local import LocalProcess
    from azureml.data._inputs import placed, record

    files = Dataset.File.from_files((store, "weather")).as_named_input("data").as_mount()
    words = ["--data", files, "--rain", table.as_named_input("rain")]
    config = placed(ScriptRunConfig(str(code), script="train.py", arguments=words), ws)
    run = Experiment(ws, "data").start_logging()
    record(run, config)
    process = LocalProcess(run, config)
    folder, table_id = process.command()[3], process.command()[5]
    assert inside(folder) == ["2024", "notes.txt"]
    assert process.environment()["AZUREML_DATAREFERENCE_data"] == folder
    assert json.loads(process.environment()["STUDIO_DATASETS"]) == {"rain": table_id}
    assert RunDataset.objects.filter(run_id=run.id).count() == 2
    assert isinstance(run.input_datasets["data"], FileDataset)
    command = ScriptRunConfig(str(code), command=["python", "train.py", files])
    assert placed(command, ws).words[:2] == ["python", "train.py"]
    assert command.words[2] == "${{inputs.data}}"


def test_inputs_that_cannot_be_are_refused(ws, store, table, code):
    files = Dataset.File.from_files((store, "weather"))
    with pytest.raises(UserErrorException, match="cannot name an input"):
        files.as_named_input("a-b")
    with pytest.raises(UserErrorException, match="read by its id"):
        table.as_named_input("rain").as_mount()
    with pytest.raises(UserErrorException, match="no Spark"):
        files.as_named_input("data").as_hdfs()
    other = Dataset.File.from_files((store, "weather/notes.txt"))
    config = remote(ws, code, files.as_named_input("data").as_mount(), other.as_named_input("data").as_mount())
    with pytest.raises(UserErrorException, match="Two inputs"):
        Experiment(ws, "data").submit(config)
