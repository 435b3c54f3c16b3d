"""Files stay below their run, whole, and readable only by who may."""

import hashlib
import io
import os
import zipfile

import pytest

from experiments import artifacts, operations
from experiments.artifacts import of_run
from experiments.artifacts.disk import DiskStore
from experiments.models import Experiment, LoggedModel, Run
from lib.errors import AlreadyExists, Denied, InvalidValue, NotFound

pytestmark = pytest.mark.django_db

MLMODEL = """\
artifact_path: model
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.7, env: {conda: conda.yaml}}
  sklearn: {code: null, pickled_model: model.pkl, sklearn_version: 1.7.2}
mlflow_version: 3.17.2
model_size_bytes: 12
saved_input_example_info: {artifact_path: input_example.json, type: dataframe}
signature:
  inputs: '[{"type": "double", "name": "age", "required": true}, {"type": "long", "name": "n", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
  params: null
"""


@pytest.fixture(autouse=True)
def store_folder(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    return settings.ARTIFACTS_DIR


@pytest.fixture
def run(alice, workspace):
    return operations.create_run(alice, Experiment.objects.get(workspace=workspace, is_default=True), name="r")


def put(actor, owner, path, content=b"x", **keywords):
    return operations.put_artifact(actor, owner, path=path, source=io.BytesIO(content), **keywords)


UNSAFE = [
    "..",
    "../x",
    "a/../../x",
    "/etc/passwd",
    "//x",
    "a//b",
    "./a",
    "a/.",
    "%2e%2e/x",
    "%252e%252e%252fx",
    "a/%2e%2e/%2e%2e/x",
    "..%2fx",
    "a\\..\\b",
    "a%5c..%5cb",
    "a\x00b",
    "a%00b",
    "a%0d%0ab",
    "a\nb",
    "a\x17b",
    "file:///etc/passwd",
    "x" * 300,
    "\ud800",
    ".studio-upload-1",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_a_path_that_could_lead_elsewhere_is_refused(alice, run, path):
    with pytest.raises(InvalidValue):
        put(alice, run, path)
    with pytest.raises(InvalidValue):
        artifacts.entries(run, path)


@pytest.mark.parametrize(
    "path", ["a.txt", "a b/ü.txt", "100%.txt", "a+b/c#d?e", "x/…/y", "MLmodel", "image%step%13%timestamp%1795"]
)
def test_a_plain_path_is_kept_as_it_is(alice, run, path):
    assert put(alice, run, path, b"content") == 7
    with artifacts.open_file(of_run(run).below(path)) as file:
        assert file.read() == b"content"


def test_a_folder_lists_folders_and_files_with_sizes(alice, run):
    put(alice, run, "b.txt", b"12")
    put(alice, run, "sub/deep/c.txt")
    assert [(one.path, one.is_dir, one.size_bytes) for one in artifacts.entries(run)] == [
        ("sub", True, None),
        ("b.txt", False, 2),
    ]
    assert [one.path for one in artifacts.entries(run, "sub")] == ["sub/deep"]
    assert artifacts.entries(run, "absent") == artifacts.entries(run, "b.txt") == []


def test_an_upload_that_ends_early_leaves_nothing(alice, run, store_folder):
    with pytest.raises(InvalidValue, match="3 of 10"):
        put(alice, run, "a.txt", b"abc", size_bytes=10)
    assert [name for _path, _folders, names in os.walk(store_folder) for name in names] == []


def test_an_upload_replaces_what_was_there_and_a_file_is_no_folder(alice, run):
    put(alice, run, "a", b"old")
    put(alice, run, "a", b"new")
    with pytest.raises(InvalidValue):
        put(alice, run, "a/b", b"x")
    with artifacts.open_file(of_run(run).below("a")) as file:
        assert file.read() == b"new"


def test_a_symbolic_link_is_not_followed(alice, run, store_folder, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    put(alice, run, "a.txt")
    folder = store_folder / of_run(run).key
    (folder / "link").symlink_to(secret)
    (folder / "file").symlink_to(secret / "key")
    for path in ("link/key", "file"):
        with pytest.raises((InvalidValue, NotFound)):
            artifacts.open_file(of_run(run).below(path))
    with pytest.raises(InvalidValue):
        put(alice, run, "link/new.txt")
    assert [one.path for one in artifacts.entries(run)] == ["a.txt"]
    operations.delete_artifact(alice, run, path="link")
    assert (secret / "key").read_text() == "secret"


def test_a_reader_may_not_write_and_a_stranger_sees_nothing(bob, charlie, alice, run):
    with pytest.raises(Denied):
        put(bob, run, "a.txt")
    with pytest.raises(NotFound):
        put(charlie, run, "a.txt")
    put(alice, run, "a.txt")
    with pytest.raises(Denied):
        operations.delete_artifact(bob, run, path="a.txt")


def test_a_deleted_folder_goes_with_all_it_holds(alice, run):
    put(alice, run, "sub/a.txt")
    operations.delete_artifact(alice, run, path="sub")
    assert artifacts.entries(run) == []
    with pytest.raises(NotFound):
        operations.delete_artifact(alice, run, path="sub")


@pytest.fixture
def model(alice, run) -> LoggedModel:
    made = operations.create_logged_model(alice, run.experiment, name="model", source_run_id=run.pk)
    put(alice, made, "MLmodel", MLMODEL.encode())
    put(alice, made, "requirements.txt", b"# pins\nscikit-learn==1.7.2\n")
    put(alice, made, "input_example.json", b'{"columns": ["age"], "data": [[1]]}')
    return made


def test_a_runs_tab_shows_its_logged_model_under_its_name(alice, run, model):
    put(alice, run, "notes.txt")
    assert [one.path for one in artifacts.entries(run)] == ["model", "notes.txt"]
    assert "model/MLmodel" in [one.path for one in artifacts.entries(run, "model")]
    place, found = artifacts.resolve(run, "model/MLmodel")
    assert found == model
    assert artifacts.read_text(place)[0] == MLMODEL
    put(alice, run, "model/own.txt")
    assert artifacts.resolve(run, "model/own.txt")[1] is None


def test_a_model_is_described_without_being_loaded(model):
    described = artifacts.describe_model(artifacts.of_model(model))
    assert [flavor.name for flavor in described.flavors] == ["python_function", "sklearn"]
    assert [(one.name, one.type, one.required) for one in described.inputs] == [
        ("age", "double", True),
        ("n", "long", False),
    ]
    assert described.outputs[0].type == "float64 (-1,)"
    assert described.requirements == ("scikit-learn==1.7.2",)
    assert described.python_version == "3.11.7"
    assert described.size_bytes > 100
    assert artifacts.input_example(artifacts.of_model(model)) == {"columns": ["age"], "data": [[1]]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"a: [",
        b"\xff\xfe",
        b"a: &a [x]\nb: [*a, *a]",
        b"!!python/object/apply:os.system ['true']",
        b"x" * 600_000,
        b"[" * 20_000,
    ],
)
def test_a_hostile_mlmodel_is_an_error_of_its_own(alice, model, content):
    put(alice, model, "MLmodel", content)
    with pytest.raises(InvalidValue):
        artifacts.describe_model(artifacts.of_model(model))


def test_a_model_is_copied_for_a_replica(model, tmp_path):
    artifacts.materialise(artifacts.of_model(model), tmp_path / "replica")
    copy = tmp_path / "replica" / "MLmodel"
    assert copy.read_text() == MLMODEL
    assert copy.stat().st_nlink == 1
    with pytest.raises(NotFound):
        artifacts.materialise(artifacts.of_model(model).below("absent"), tmp_path / "other")


def test_a_full_disk_is_said_and_leaves_nothing(monkeypatch, tmp_path):
    from lib.errors import Unavailable

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("experiments.artifacts.disk.pour", full)
    with pytest.raises(Unavailable):
        DiskStore(tmp_path).put("1/a", io.BytesIO(b"x"))
    assert list((tmp_path / "1").iterdir()) == []


def test_files_go_with_their_workspace(alice, run, model, workspace, store_folder):
    from workspaces import deletion

    put(alice, run, "a.txt", b"12345")
    assert sum(count.size_bytes for count in deletion.count(workspace)) >= 5
    while deletion.delete_next_batch(workspace):
        pass
    assert not Run.objects.exists()
    assert [name for _path, _folders, names in os.walk(store_folder) for name in names] == []


def test_a_zip_holds_no_more_than_a_piece_at_a_time(alice, run):
    put(alice, run, "large.bin", b"x" * (5 * 1024 * 1024))
    pieces = list(artifacts.zips.stream(artifacts.zips.members(of_run(run))))
    assert max(map(len, pieces)) < 2 * 1024 * 1024


def test_a_zip_leaves_out_what_would_lead_out_of_it_and_what_is_a_link(alice, run, store_folder, tmp_path):
    put(alice, run, "sub/a.txt", b"a")
    folder = store_folder / of_run(run).key
    (tmp_path / "secret").write_text("secret")
    (folder / "back\\..\\slash").write_text("x")
    (folder / "new\nline").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    assert [one.name for one in artifacts.zips.members(of_run(run), "r")] == ["r/sub/a.txt"]


def test_a_zip_goes_on_when_a_file_goes(alice, run):
    put(alice, run, "a.txt", b"a")
    put(alice, run, "b.txt", b"b")
    members = list(artifacts.zips.members(of_run(run)))
    operations.delete_artifact(alice, run, path="a.txt")
    with zipfile.ZipFile(io.BytesIO(b"".join(artifacts.zips.stream(members)))) as archive:
        assert archive.namelist() == ["b.txt"]


def test_a_zip_may_hold_more_than_four_gigabytes(alice, run, store_folder, tmp_path):
    if not os.environ.get("STUDIO_LARGE_TESTS"):
        pytest.skip("STUDIO_LARGE_TESTS is not set, so no file of 4 GB was sent")
    size = 4 * 1024**3 + 5
    put(alice, run, "large.bin")
    os.truncate(store_folder / of_run(run).key / "large.bin", size)
    path, empty = tmp_path / "large.zip", bytes(1024 * 1024)
    with path.open("wb") as target:
        for piece in artifacts.zips.stream(artifacts.zips.members(of_run(run))):
            if piece == empty:
                target.seek(len(piece), os.SEEK_CUR)
            else:
                target.write(piece)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("large.bin").file_size == size
        assert archive.testzip() is None


@pytest.mark.parametrize(
    ("name", "folder"), [("a/b:c", "a_b_c"), ("..", "artifacts"), ("x" * 300, "x" * 100), ("ü", "ü")]
)
def test_a_runs_name_becomes_a_folder_that_every_system_takes(name, folder):
    assert artifacts.zips.folder_name(name) == folder


def test_a_sum_is_made_once_and_again_when_the_bytes_change(alice, run, monkeypatch):
    put(alice, run, "a.txt", b"abc")
    key = of_run(run).below("a.txt").key
    first = artifacts.store().sha256(key)
    assert first == hashlib.sha256(b"abc").hexdigest()
    if not artifacts.store().kept_sha256(key):
        pytest.skip("the file system keeps no attributes, so the sum is made each time")
    monkeypatch.setattr("experiments.artifacts.disk.digest", lambda file: pytest.fail("hashed again"))
    assert artifacts.store().sha256(key) == first
    monkeypatch.undo()
    put(alice, run, "a.txt", b"abd")
    assert artifacts.store().sha256(key) == hashlib.sha256(b"abd").hexdigest()


def test_a_listing_goes_on_where_the_last_one_ended(alice, run):
    for name in ("b/x", "a/x", "c.txt", "d.txt", "e.txt"):
        put(alice, run, name)
    seen, after = [], ""
    while True:
        part = artifacts.store().listing(of_run(run).key, after, 2)
        assert part.total == 5
        seen += [one.path for one in part.entries]
        if not part.rest:
            break
        after = part.entries[-1].rank
    assert seen == ["a", "b", "c.txt", "d.txt", "e.txt"]


def test_a_file_is_not_replaced_unless_it_may_be(alice, run):
    put(alice, run, "a.txt", b"first", replaces=False)
    with pytest.raises(AlreadyExists):
        put(alice, run, "a.txt", b"second", replaces=False)
    with artifacts.open_file(of_run(run).below("a.txt")) as file:
        assert file.read() == b"first"


def test_of_two_who_send_one_name_at_once_one_wins(alice, run, store_folder):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            piece = super().read(size)
            if not piece:
                put(alice, run, "a.txt", b"other")
            return piece

    with pytest.raises(AlreadyExists):
        operations.put_artifact(alice, run, path="a.txt", source=Slow(b"mine"), replaces=False)
    folder = store_folder / of_run(run).key
    assert [(one.name, one.read_bytes()) for one in folder.iterdir()] == [("a.txt", b"other")]


def test_a_tree_is_no_deeper_than_a_walk_can_follow(alice, run):
    put(alice, run, "/".join("d" * 99) + "/f")
    assert artifacts.store().size(of_run(run).key) == 1
    with pytest.raises(InvalidValue):
        put(alice, run, "/".join("d" * 101))


def test_a_deletion_says_what_went(alice, run):
    put(alice, run, "sub/a.txt", b"12345")
    put(alice, run, "sub/b/c.txt", b"678")
    gone = operations.delete_artifact(alice, run, path="sub")
    assert (gone.files, gone.size_bytes) == (2, 8)
