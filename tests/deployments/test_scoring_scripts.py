"""Services with a script of their own: what `run` gets, what it may answer, and what ends badly."""

from __future__ import annotations

import json
import sys
from hashlib import sha256

import pytest

from deployments import operations
from deployments.models import Deployment
from deployments.scoring import entry
from deployments.scoring.application import Application
from deployments.scoring.settings import SettingsFile
from lib.errors import InvalidValue
from tests.deployments.scoring import KEY, Caller


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Serve a script's text; what it does to this process is undone."""
    for name in ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)

    def serve(text: str) -> Caller:
        (tmp_path / "score.py").write_text(text)
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model/weights.json").write_text("[2]")
        model = entry.load(tmp_path / "model", tmp_path, "score.py")
        settings = tmp_path / "settings.json"
        hashes = [sha256(KEY.encode()).hexdigest()]
        settings.write_text(json.dumps({"endpoint": "script", "auth": "key", "key_hashes": hashes}))
        return Caller(Application(model, SettingsFile(str(settings))))

    yield serve
    for name in set(sys.modules) - before:
        if name.startswith(("azureml", "entry_module")):
            del sys.modules[name]


WEIGHED = """
import json, os
def init():
    global weights
    weights = json.load(open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights.json")))
def run(raw):
    return [value * weights[0] for value in json.loads(raw)["data"]]
"""


def test_run_gets_the_body_as_text_and_init_the_models_folder(script):
    call = script(WEIGHED)
    answer = call(body={"data": [1, 2]})
    assert (answer.status, answer.json) == (200, [2, 4])
    assert float(answer.headers["x-ms-run-fn-exec-ms"]) >= 0


def test_text_is_written_as_json_too(script):
    assert script("def run(raw):\n    return raw.upper()")(body=b"abc").json == "ABC"


def test_a_body_in_any_content_type_is_the_scripts_own_matter(script):
    assert script("def run(raw):\n    return len(raw)")(body=b"abc", content_type="text/plain").json == 3


def test_what_run_raises_is_a_500_without_its_stack(script, capsys):
    answer = script("def run(raw):\n    raise KeyError('x')")(body=b"{}")
    assert (answer.status, answer.headers["x-ms-run-function-failed"]) == (500, "True")
    assert "Traceback" not in answer.body.decode()
    assert "Traceback" in capsys.readouterr().err


def test_what_json_cannot_say_is_a_500(script):
    assert script("def run(raw):\n    return object()")(body=b"{}").status == 500


def test_nobody_reaches_it_without_the_key(script):
    assert script("def run(raw):\n    return 1")(body=b"{}", key=None).status == 401


RAW = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
@rawhttp
def run(request):
    if request.method == "GET":
        return AMLResponse("asked for " + request.args["what"], 200)
    return AMLResponse({"got": len(request.get_data())}, 201, {"X-Mine": "yes"}, json_str=True)
"""


def test_a_raw_script_sees_the_request_and_writes_its_own_answer(script):
    call = script(RAW)
    answer = call(body=b"1234")
    assert (answer.status, answer.json, answer.headers["x-mine"]) == (201, {"got": 4}, "yes")
    assert call("/score?what=tea", method="GET").body == b"asked for tea"


def test_a_raw_script_never_sees_the_key(script):
    text = RAW.replace('{"got": len(request.get_data())}', "sorted(request.headers)")
    assert "Authorization" not in script(text)(body=b"1").json


@pytest.mark.parametrize(
    ("code", "error"),
    [("x = 1", AttributeError), ("import no_such_module_here", ModuleNotFoundError), ("def run(:", SyntaxError)],
)
def test_a_broken_script_does_not_start(script, code, error):
    with pytest.raises(error):
        script(code)


def test_the_swagger_of_a_script_without_schemas_is_still_one(script):
    document = script("def run(raw):\n    return 1")("/swagger.json", method="GET").json
    assert document["swagger"] == "2.0"


# ---- What is taken in ----------------------------------------------------------------------------------------------


def test_a_script_is_kept_with_its_revision(alice, workspace, version):
    code = operations.Code("score.py", {"score.py": "def run(raw):\n    return 1", "more/data.txt": "x"})
    operations.create_endpoint(alice, workspace, name="script", model_version=version, code=code)
    deployment = Deployment.objects.get(endpoint__name="script")
    assert (deployment.entry_script, sorted(deployment.code)) == ("score.py", ["more/data.txt", "score.py"])


@pytest.mark.parametrize(
    "files",
    [
        {"score.py": "def run(: pass"},
        {"score.py": "x = 1"},
        {"other.py": "def run(raw): pass"},
        {"score.py": "def run(raw): pass", "../up.py": ""},
        {"score.py": "def run(raw): pass", "/etc/x": ""},
        {"score.py": "def run(raw): pass", "a//b": ""},
        {"score.py": "def run(raw): pass\n" + "#" * (5 << 20)},
    ],
)
def test_a_bad_script_is_refused_before_anything_starts(alice, workspace, version, files):
    with pytest.raises(InvalidValue):
        code = operations.Code("score.py", files)
        operations.create_endpoint(alice, workspace, name="script", model_version=version, code=code)


def test_programs_send_scripts_as_files(bearer, alice_user, workspace, version):
    body = {
        "name": "script",
        "model": "diabetes",
        "version": 1,
        "entry_script": "score.py",
        "files": {"score.py": "def run(raw):\n    return 1\n"},
        "environment": {"packages": ["numpy"]},
    }
    made = bearer(alice_user).post(f"/w/{workspace.name}/api/v1/endpoints", body, content_type="application/json")
    assert made.status_code == 202
    deployment = Deployment.objects.get(endpoint__name="script")
    assert deployment.code["score.py"].endswith("return 1\n")
    assert deployment.environment_spec["requirements"] == ["numpy"]
