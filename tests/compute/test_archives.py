"""Snapshots on the node: what may be in one, and where it goes."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from compute.node.archives import unpack


def packed(folder: Path, *members: tarfile.TarInfo) -> Path:
    file = folder / "snapshot.tar"
    with tarfile.open(file, "w") as archive:
        for member in members:
            content = b"text" if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.linkname = kind, mode, target
    return made


def test_files_and_folders_are_laid_out(tmp_path):
    archive = packed(tmp_path, member("train.py"), member("a/b/run.sh", mode=0o4777), member("empty", tarfile.DIRTYPE))
    code = tmp_path / "code"
    unpack(archive, code)
    assert (code / "train.py").read_bytes() == b"text"
    assert (code / "empty").is_dir()
    assert stat.S_IMODE((code / "a/b/run.sh").stat().st_mode) & 0o7111 == 0o111


@pytest.mark.parametrize(
    "bad",
    [
        member("../out"),
        member("/etc/passwd"),
        member("a/../../out"),
        member("link", tarfile.SYMTYPE, target="/etc/passwd"),
        member("link", tarfile.LNKTYPE, target="train.py"),
        member("pipe", tarfile.FIFOTYPE),
        member("device", tarfile.CHRTYPE),
    ],
    ids=["above", "absolute", "above by a detour", "symlink", "hard link", "pipe", "device"],
)
def test_nothing_else_gets_in(tmp_path, bad):
    code = tmp_path / "deep" / "code"
    code.mkdir(parents=True)
    with pytest.raises(tarfile.TarError, match=r"leads out|neither"):
        unpack(packed(tmp_path, member("train.py"), bad), code)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["code", "deep", "snapshot.tar", "train.py"]


def test_a_file_is_not_written_through_a_link_or_twice(tmp_path):
    (tmp_path / "outside").write_text("kept")
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError):
        unpack(packed(tmp_path, member("train.py")), code)
    assert (tmp_path / "outside").read_text() == "kept"
