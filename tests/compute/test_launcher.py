"""The launcher, with real processes: they are the thing itself, and take milliseconds."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from compute import launcher
from compute.launcher import Limits, ProcessSpec, procfs, record

MEGABYTE = 1024 * 1024


@pytest.fixture
def make(tmp_path):
    folders: list[Path] = []

    def make(script: str, **fields: object) -> ProcessSpec:
        folder = tmp_path / str(fields.pop("name", "one"))
        folders.append(folder)
        values = {
            "name": "test",
            "folder": folder,
            "argv": (sys.executable, "-I", "-u", "-c", script),
            "env": {},
            "cwd": folder,
            "log": folder / "log",
            **fields,
        }
        return ProcessSpec(**values)

    yield make
    for folder in folders:
        launcher.stop(folder, grace_s=0)


def wait_until(claim, timeout_s: float = 10.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := claim():
            return result
        time.sleep(0.02)
    raise AssertionError("it did not come true in time")


def ended(spec: ProcessSpec) -> launcher.Observed:
    wait_until(lambda: launcher.observe(spec.folder).state == "exited")
    return launcher.observe(spec.folder)


def test_nothing_there_is_absent_and_stopping_it_is_no_error(tmp_path):
    assert launcher.observe(tmp_path / "nothing").state == "absent"
    launcher.stop(tmp_path / "nothing")


def test_output_and_exit_code_are_kept(make):
    spec = make("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    launcher.start(spec)
    seen = ended(spec)
    assert (seen.exit_code, seen.oom) == (3, False)
    assert spec.log.read_text() == "out\nerr\n"


def test_starting_twice_makes_one_process(make):
    spec = make("import time; time.sleep(60)")
    seen: list[launcher.Observed] = []
    threads = [threading.Thread(target=lambda: seen.append(launcher.start(spec))) for _n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 5
    assert len({(one.pid, one.started) for one in seen}) == 1
    assert all(one.state == "running" for one in seen)


def test_an_ended_process_starts_again_only_when_asked(make):
    spec = make("")
    first = launcher.start(spec)
    ended(spec)
    assert launcher.start(spec, again=False).pid == first.pid
    assert launcher.start(spec).pid != first.pid


def test_the_environment_is_scrubbed(make, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    spec = make("import os, json; print(json.dumps(dict(os.environ)))", env={"MINE": "yes"})
    launcher.start(spec)
    ended(spec)
    text = spec.log.read_text()
    assert "hush" not in text
    assert '"MINE": "yes"' in text
    assert f'"HOME": "{spec.folder}"' in text
    assert f'"TMPDIR": "{spec.folder}/tmp"' in text


def test_the_process_is_fenced_in(make):
    script = (
        "import os, sys\n"
        "print(os.umask(0), sys.stdin.read() == '', os.getsid(0) == os.getpid())\n"
        "print(open('/proc/self/status').read())"
    )
    spec = make(script)
    launcher.start(spec)
    ended(spec)
    text = spec.log.read_text()
    assert text.startswith("63 True True")
    assert "NoNewPrivs:\t1" in text


FAMILY = """
import subprocess, sys, time
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", stubborn])
subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)
subprocess.Popen(["sh", "-c", "setsid sleep 61 & setsid sleep 62 &"], env={})
print("ready")
time.sleep(60)
"""


def family(spec: ProcessSpec) -> list[procfs.Process]:
    found = record.read(spec.folder)
    assert found
    return procfs.descendants(found.shim)


def test_stop_reaches_children_and_grandchildren_in_other_sessions(make):
    spec = make(FAMILY)
    launcher.start(spec)
    everyone = wait_until(lambda: (all_ := family(spec)) and len(all_) >= 5 and all_)
    launcher.stop(spec.folder, grace_s=0.3)
    assert not [one for one in everyone if procfs.is_same(one.pid, one.started)]
    seen = launcher.observe(spec.folder)
    assert (seen.state, seen.exit_code) == ("exited", -signal.SIGTERM)
    launcher.stop(spec.folder)


def test_what_an_ended_process_left_behind_is_ended_too(make):
    spec = make("import subprocess; subprocess.Popen(['sleep', '63'], start_new_session=True); print('done')")
    launcher.start(spec)
    seen = ended(spec)
    assert seen.exit_code == 0
    assert not procfs.marked(record.read(spec.folder).mark)


def test_a_killed_shim_takes_its_process_along_and_the_rest_is_found_by_its_mark(make):
    spec = make("import subprocess, time; subprocess.Popen(['sleep', '64'], start_new_session=True); time.sleep(60)")
    launcher.start(spec)
    wait_until(lambda: len(family(spec)) == 2)
    found = record.read(spec.folder)
    os.kill(found.shim, signal.SIGKILL)
    assert ended(spec).exit_code is None
    launcher.stop(spec.folder, grace_s=0.2)
    assert not procfs.marked(found.mark)


def test_a_reused_number_is_not_ours(make):
    spec = make("import time; time.sleep(60)")
    launcher.start(spec)
    launcher.stop(spec.folder, grace_s=1)
    found = record.read(spec.folder)
    me = procfs.read(os.getpid())
    record.write(spec.folder, type(found)(**{**vars(found), "pid": me.pid, "shim": me.pid, "is_over": False}))
    assert launcher.observe(spec.folder).state == "exited"
    launcher.stop(spec.folder)  # would end this very test


def test_a_process_outlives_whoever_started_it(make):
    spec = make("import time; print('on'); time.sleep(60)")
    pid = os.fork()
    if pid == 0:
        launcher.start(spec)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    seen = launcher.observe(spec.folder)
    assert seen.state == "running"
    assert launcher.start(spec).pid == seen.pid


def test_a_command_that_is_not_there_says_so(make):
    spec = make("", argv=("/nowhere/python",))
    launcher.start(spec)
    seen = ended(spec)
    assert seen.exit_code == 127
    assert "No such file" in seen.detail
    assert "No such file" in spec.log.read_text()


GREEDY = """
import time
heap = []
for _n in range(400):
    heap.append(bytearray(1024 * 1024))
    time.sleep(0.002)
time.sleep(30)
"""


def test_memory_beyond_the_limit_ends_it(make):
    spec = make(GREEDY, limits=Limits(memory_bytes=100 * MEGABYTE))
    started = launcher.start(spec)
    seen = ended(spec)
    assert seen.oom
    assert seen.limited_by == started.limited_by != "none"


def test_memory_is_limited_without_control_groups_too(make, monkeypatch):
    from compute.launcher import process

    monkeypatch.setattr(
        process,
        "SHIM",
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from compute.launcher import cgroups, shim\n"
        "def none(*a): raise cgroups.NoCgroups\n"
        "cgroups.make = none; shim.main()",
    )
    spec = make(GREEDY, limits=Limits(memory_bytes=100 * MEGABYTE))
    assert launcher.start(spec).limited_by == "rlimit"
    assert ended(spec).oom


def test_a_flood_of_output_is_cut_but_its_end_is_kept(make):
    script = "import sys\nfor n in range(20000): sys.stdout.write('x' * 999 + '\\n')\nprint('the end')"
    spec = make(script, log_bytes_max=MEGABYTE, argv=(sys.executable, "-c", script))
    launcher.start(spec)
    ended(spec)
    assert spec.log.stat().st_size < 1.3 * MEGABYTE
    text = spec.log.read_text()
    assert "has reached its limit" in text
    assert text.endswith("the end\n")


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_root_runs_it_as_another_user_who_cannot_touch_the_record(make, tmp_path):
    for parent in [tmp_path, *tmp_path.parents][:4]:
        if str(parent) not in ("/", "/tmp"):
            parent.chmod(0o755)
    script = (
        "import os, getpass\n"
        "print(os.getuid(), os.getgid(), os.getgroups(), getpass.getuser())\n"
        "open(os.environ['HOME'] + '/mine', 'w').close()\n"
        "try: os.replace('mine', 'state.json')\n"
        "except PermissionError: print('refused')"
    )
    spec = make(script, run_as="61234", argv=("/usr/bin/python3", "-I", "-c", script))
    launcher.start(spec)
    seen = ended(spec)
    assert spec.log.read_text() == "61234 61234 [] 61234\nrefused\n"
    assert seen.exit_code == 0


def test_the_number_of_processes_is_limited(make):
    script = (
        "import os, time\n"
        "n = 0\n"
        "for _n in range(400):\n"
        "    try:\n"
        "        if os.fork() == 0: time.sleep(30); os._exit(0)\n"
        "    except OSError: break\n"
        "    n += 1\n"
        "time.sleep(0.5); print(n)"
    )
    spec = make(script, limits=Limits(processes=30))
    launcher.start(spec)
    ended(spec)
    assert (spec.log.read_text().strip() or "0") in {str(n) for n in range(31)}
