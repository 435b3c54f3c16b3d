"""Code comes once: by its list first, then what is missing; shown, downloaded, compared."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
import time
import zipfile

import pytest
from django.db import connections, transaction
from studio_sdk.snapshots import read_folder, send_folder

from jobs import differences, operations, snapshots
from jobs.models import Job, Snapshot
from jobs.operations import unused
from jobs.operations.snapshots import kept
from lib.errors import InvalidValue
from lib.snapshots import SnapshotFile

pytestmark = pytest.mark.django_db

LONG = b"a" * 2000
API = "/w/main/api/v1"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def row(path: str, content: bytes, **more: object) -> dict[str, object]:
    return {"path": path, "sha256": sha(content), "size_bytes": len(content), **more}


def packed(**members: bytes) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return body.getvalue()


@pytest.fixture
def client(bearer, alice_user):
    return bearer(alice_user)


@pytest.fixture
def ask(client):
    """What a client's transport does: the paths below the API, JSON or a file as the body."""

    def ask(method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, object]:
        kind = headers.get("Content-Type", "application/json")
        data = body if kind == "application/json" else body.read()
        asked.append((path, len(data) if isinstance(data, bytes) else 0))
        answer = client.post(f"{API}/{path}", data, content_type=kind)
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    asked: list[tuple[str, int]] = []
    ask.asked = asked
    return ask


def test_a_folder_is_sent_once_and_then_only_what_changed(ask, tmp_path, home):
    (tmp_path / "code/lib").mkdir(parents=True)
    (tmp_path / "code/train.py").write_text("print(1)\n")
    (tmp_path / "code/lib/data.bin").write_bytes(b"\0" * 5000)
    (tmp_path / "code/copy.bin").write_bytes(b"\0" * 5000)
    (tmp_path / "code/secret.txt").write_text("s")
    (tmp_path / "code/.amlignore").write_text("secret.txt\n")
    digest = send_folder(read_folder(tmp_path / "code"), ask)
    assert [path for path, _size in ask.asked] == ["snapshots", "snapshots/blobs", "snapshots"]
    assert len([file for file in (home / "artifacts/blobs").rglob("*") if file.is_file()]) == 3
    ask.asked.clear()
    assert send_folder(read_folder(tmp_path / "code"), ask) == digest
    assert [path for path, _size in ask.asked] == ["snapshots"]
    (tmp_path / "code/train.py").write_text("print(2)\n")
    assert send_folder(read_folder(tmp_path / "code"), ask) != digest
    assert Snapshot.objects.count() == 2
    assert {file.path for file in snapshots.files_of(Snapshot.objects.get(digest=digest))} == {
        ".amlignore", "copy.bin", "lib/data.bin", "train.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    "files",
    [
        [row("../up.py", b"")],
        [row("a", b""), row("a/b", b"")],
        [row("a", b""), row("a", b"")],
        [row("a", b"x") | {"size_bytes": 301 * 1024**2}],
        [row(str(number), b"") for number in range(2001)],
        [row("a", b"") | {"sha256": "../../x"}],
    ],
)
def test_bad_lists_are_refused(client, files):
    answer = client.post(f"{API}/snapshots", {"files": files}, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert not Snapshot.objects.exists()


def test_the_limits_are_named(alice, workspace):
    with pytest.raises(InvalidValue, match="2001 files; the limit is 2000"):
        operations.list_snapshot(alice, workspace, files=[row(str(number), b"") for number in range(2001)])
    lifted = operations.list_snapshot(
        alice, workspace, files=[row(str(number), b"") for number in range(2001)], lifts_file_limit=True
    )
    assert lifted.missing == [sha(b"")]


def test_contents_are_what_their_names_say_or_refused(client, home):
    cut = packed(**{sha(LONG): LONG})[:1000]
    for body in (packed(**{sha(b"a"): b"b"}), packed(**{"../x": b"b"}), b"no archive", cut):
        answer = client.post(f"{API}/snapshots/blobs", body, content_type="application/x-tar")
        assert answer.status_code == 400, answer.content
    assert not [file for file in (home / "artifacts").rglob("*") if file.is_file()]


def test_another_workspaces_contents_are_not_there(client, bearer, charlie_user, alice, workspace):
    operations.store_snapshot(alice, workspace, files={"a.txt": b"ours"})
    listed = {"files": [row("a.txt", b"ours")]}
    answer = bearer(charlie_user).post(f"/w/elsewhere{API[7:]}/snapshots", listed, content_type="application/json")
    assert answer.json()["missing"] == [sha(b"ours")]
    digest = Snapshot.objects.get().digest
    assert bearer(charlie_user).get(f"/w/elsewhere/api/v1/snapshots/{digest}").status_code == 404


def test_what_a_node_and_a_reader_get_is_the_folder(alice, workspace, client):
    contents = {"train.py": b"print(1)", "lib/part.py": b"", "big.bin": b"x" * 1500}
    snapshot = operations.store_snapshot(alice, workspace, files=contents)
    with tarfile.open(fileobj=io.BytesIO(b"".join(snapshots.tar(snapshot)))) as opened:
        assert {name: opened.extractfile(name).read() for name in opened.getnames()} == contents
    answer = client.get(f"{API}/snapshots/{snapshot.digest}/zip")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == contents


def test_a_zip_gives_its_folder_without_what_is_ignored(monkeypatch):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in ("project/train.py", "project/.gitignore", "project/out/model.bin", "__MACOSX/x"):
            archive.writestr(name, "out/\n" if name.endswith("ignore") else "x")
        link = zipfile.ZipInfo("project/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert set(snapshots.unzipped(body)) == {"train.py", ".gitignore"}
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeroes", bytes(2 * 1024**2))
    monkeypatch.setattr(snapshots, "BYTES_MAX", 1024**2)
    with pytest.raises(InvalidValue, match="limit"):
        snapshots.unzipped(bomb)
    with pytest.raises(InvalidValue, match="zip"):
        snapshots.unzipped(io.BytesIO(b"no zip"))


def test_two_folders_are_compared_line_by_line(alice, workspace):
    base = operations.store_snapshot(
        alice, workspace, files={"a.py": b"one\ntwo\n", "gone.txt": b"x", "same": b"s", "b.bin": b"\0"}
    )
    other = operations.store_snapshot(
        alice, workspace, files={"a.py": b"one\nthree\n", "new.txt": b"n", "same": b"s", "b.bin": b"\1\0"}
    )
    found = {one.path: one for one in differences.between(base, other)}
    assert {path: one.kind for path, one in found.items()} == {
        "a.py": "changed", "b.bin": "changed", "gone.txt": "removed", "new.txt": "added",
    }  # fmt: skip
    assert [(line.kind, line.text) for line in found["a.py"].lines if line.kind in ("added", "removed")] == [
        ("removed", "two"), ("added", "three"),
    ]  # fmt: skip
    assert found["b.bin"].lines == ()
    assert differences.between(base, base) == []


def test_the_pages_show_code_and_what_changed(submit, browse, alice_user):
    first, second = submit(), submit(files={"train.py": b"print('changed')"})
    page = browse(alice_user)
    shown = page.get(f"/w/main/jobs/{first.pk}/code/?path=train.py", headers={"HX-Request": "true"})
    assert "hello" in shown.content.decode()
    asked = page.get(f"/w/main/jobs/{first.pk}/code/?find=train", headers={"HX-Request": "true"})
    assert "train.py" in asked.content.decode()
    assert page.get(f"/w/main/jobs/{first.pk}/code/").status_code == 302
    assert page.get(f"/w/main/runs/{first.pk}/code/").status_code == 200
    saved = page.get(f"/w/main/jobs/{first.pk}/code/file/?path=train.py")
    assert b"".join(saved.streaming_content) == b"print('hello')"
    assert saved["Content-Disposition"].startswith("attachment")
    assert page.get(f"/w/main/jobs/{first.pk}/code/file/?path=../x").status_code == 404
    compared = page.get(f"/w/main/jobs/{second.pk}/code/diff/?with={first.pk}").content.decode()
    assert 'class="is-removed">print(&#x27;hello&#x27;)' in compared
    assert 'class="is-added">print(&#x27;changed&#x27;)' in compared


# ---- Code that nothing uses -----------------------------------------------------------------------------------------


def aged(home, days: float = 2) -> None:
    """Make all contents and lists older than a client takes."""
    then = time.time() - days * 24 * 3600
    Snapshot.objects.update(asked_ms=int(then * 1000))
    for file in contents(home):
        os.utime(file, (then, then))


def contents(home) -> list:
    return [path for path in (home / "artifacts" / "blobs").rglob("*") if path.is_file()]


def test_what_no_job_uses_is_freed_but_what_another_list_names_stays(
    submit, alice, workspace, elsewhere, charlie, home
):
    job = submit({"train.py": b"used", "shared.py": b"shared"})
    operations.store_snapshot(alice, workspace, files={"train.py": b"unused", "shared.py": b"shared"})
    operations.store_snapshot(charlie, elsewhere, files={"train.py": b"used"})
    aged(home)
    assert operations.free_snapshots() == 2  # this one's own file, and the same content of the other workspace
    assert [one.pk for one in Snapshot.objects.all()] == [job.snapshot_id]
    assert sorted(path.read_bytes() for path in contents(home)) == [b"shared", b"used"]
    Job.objects.all().delete()
    assert operations.free_snapshots() == 2
    assert contents(home) == []


def test_what_came_or_was_listed_lately_stays(alice, workspace, home, client):
    operations.store_snapshot(alice, workspace, files={"a.py": b"a"})
    snapshots.put(workspace.pk, sha(b"never listed"), io.BytesIO(b"never listed"))
    assert operations.free_snapshots() == 0
    aged(home)
    operations.store_snapshot(alice, workspace, files={"a.py": b"a"})  # the same again, a moment ago
    assert operations.free_snapshots() == 1
    assert [path.read_bytes() for path in contents(home)] == [b"a"]


def test_a_content_that_a_client_relies_on_while_it_sends_the_rest_stays(workspace, home, client):
    snapshots.put(workspace.pk, sha(b"old"), io.BytesIO(b"old"))
    aged(home)
    listed = [row("old.py", b"old"), row("new.py", b"new")]
    answer = client.post(f"{API}/snapshots", {"files": listed}, content_type="application/json").json()
    assert answer["missing"] == [sha(b"new")]
    assert operations.free_snapshots() == 0
    assert [path.read_bytes() for path in contents(home)] == [b"old"]


@pytest.mark.django_db(transaction=True)
def test_contents_are_not_freed_while_a_list_is_made_of_them(workspace, home):
    """One transaction makes a list, the other waits for it and then finds it."""
    snapshots.put(workspace.pk, sha(b"old"), io.BytesIO(b"old"))
    aged(home)
    held, freed = threading.Event(), []

    def free() -> None:
        held.wait(10)
        freed.append(operations.free_snapshots())
        connections.close_all()

    thread = threading.Thread(target=free)
    thread.start()
    with transaction.atomic():
        unused.hold_contents(workspace.pk)
        held.set()
        thread.join(0.5)
        assert thread.is_alive()
        kept(workspace, [SnapshotFile("old.py", sha(b"old"), 3)])
    thread.join(10)
    assert freed == [0]
    assert [path.read_bytes() for path in contents(home)] == [b"old"]
