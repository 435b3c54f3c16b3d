"""Folders of code as clients send them: gitignore's own answers, links, limits, and no content twice."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from studio_sdk.snapshots import FolderError, Rules, read_folder
from studio_sdk.snapshots import folder as folder_module

PATTERNS = """
*.log
!keep.log
/build/
docs/**/*.tmp
**/cache
data/*
!data/small.csv
a?c.txt
[xy].bin
name\\ with\\ space
trailing/**
# comment
\\#hash
foo/bar
*.d/
"""
INNER = "*.py\n!main.py\n/local\n"
PATHS = [
    "x.log", "keep.log", "src/x.log", "src/keep.log", "build/a", "src/build/a", "docs/a.tmp", "docs/x/y/a.tmp",
    "cache/a", "src/cache/b", "data/big.csv", "data/small.csv", "abc.txt", "ac.txt", "x.bin", "z.bin", "trailing/a/b",
    "#hash", "foo/bar", "src/foo/bar", "e.d/file", "f.d", "sub/main.py", "sub/other.py", "sub/local/a",
    "sub/deep/local", "sub/deep/t.py", "plain.txt", "name with space",
]  # fmt: skip


@pytest.fixture
def code(tmp_path):
    root = tmp_path / "code"
    for path in PATHS:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (root / ".gitignore").write_text(PATTERNS)
    (root / "sub/.gitignore").write_text(INNER)
    return root


def test_the_rules_agree_with_git_on_every_path(code):
    subprocess.run(["git", "init", "-q"], cwd=code, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "-z"],
        cwd=code,
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = {path for path in listed.stdout.split("\0") if path}
    assert {file.path for file in read_folder(code).files} == wanted
    assert {"keep.log", "data/small.csv", "sub/main.py", "docs/x/y/a.tmp"} & wanted == {
        "keep.log", "data/small.csv", "sub/main.py",
    }  # fmt: skip


def test_amlignore_stands_before_gitignore(code):
    (code / ".amlignore").write_text("secret.txt\n")
    (code / "secret.txt").write_text("x")
    paths = {file.path for file in read_folder(code).files}
    assert "secret.txt" not in paths
    assert "x.log" in paths


def test_links_are_never_followed_out(tmp_path):
    code = tmp_path / "code"
    code.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("s")
    (code / "own.txt").write_text("own")
    (code / "inside").symlink_to("own.txt")
    (code / "out").symlink_to("../outside/secret")
    (code / "folder").symlink_to("../outside")
    (code / "round").symlink_to(".")
    read = read_folder(code)
    assert {file.path for file in read.files} == {"own.txt", "inside"}
    assert set(read.left_out) == {"out", "folder", "round"}


def test_limits_name_the_number_and_the_folder(tmp_path, monkeypatch):
    (tmp_path / "big").write_bytes(b"x" * 100)
    monkeypatch.setattr(folder_module, "BYTES_MAX", 99)
    with pytest.raises(FolderError, match=str(tmp_path)):
        read_folder(tmp_path)
    monkeypatch.setattr(folder_module, "BYTES_MAX", 10**9)
    for number in range(2_001):
        os.close(os.open(tmp_path / str(number), os.O_CREAT))
    with pytest.raises(FolderError, match="2000"):
        read_folder(tmp_path)
    assert len(read_folder(tmp_path, lifts_file_limit=True).files) == 2_002


def test_what_is_below_a_folder_left_out_cannot_be_brought_back():
    rules = Rules({".gitignore": "out/\n!out/keep.txt\n"}.get)
    assert rules.leaves_out("out/keep.txt")
    assert rules.leaves_out(".git/config")
    assert not rules.leaves_out("kept.txt")


def test_the_studio_leaves_out_of_an_archive_what_the_client_leaves_out_of_a_folder():
    root = Path(__file__).resolve().parents[2]
    ours, theirs = root / "sdk/src/studio_sdk/snapshots/ignore.py", root / "lib/snapshots/ignore.py"
    assert ours.read_text() == theirs.read_text()
