"""Web services: what may be asked for, deploying, keys, tokens, updating, calling."""

import json
from pathlib import Path

import pytest
import requests
from azureml.core import Environment, Model, ResourceConfiguration, Webservice
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, AksWebservice
from azureml.exceptions import UserErrorException, WebserviceException

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(ws, folder):
    (folder / "model.joblib").write_bytes(b"a pickle, as far as the client knows")
    return Model.register(
        ws, str(folder / "model.joblib"), "diabetes",
        model_framework=Model.Framework.SCIKITLEARN, model_framework_version="1.5",
        resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
    )  # fmt: skip


@pytest.fixture
def service(ws, model):
    return Model.deploy(ws, "diabetes", [model])


@pytest.fixture
def script(folder):
    (folder / "score.py").write_text("def init():\n    pass\n\n\ndef run(raw):\n    return raw\n")
    return folder / "score.py"


def become(name: str, **fields) -> None:
    """What the reconciler would have written."""
    from deployments.models import Deployment, Endpoint

    Endpoint.objects.filter(name=name).update(state=fields.pop("state"))
    Deployment.objects.filter(endpoint__name=name).update(**fields)


def test_a_model_alone_is_deployed_with_its_own_size(ws, service):
    assert isinstance(service, AciWebservice)
    assert service.state == "Transitioning"
    assert (service.cpu_cores, service.memory_gb) == (1.0, 0.5)
    assert not service.auth_enabled
    assert service.scoring_uri.endswith("/endpoints/main/diabetes/score")
    assert ws.webservices["diabetes"].name == "diabetes"
    assert [one.id for one in service.models] == ["diabetes:1"]


@pytest.mark.parametrize("name", ["", "ab", "Abc", "1abc", "abc-", "a" * 33, "a_b"])
def test_a_bad_name_is_refused_before_anything_is_sent(ws, wire, model, name):
    before = len(wire.asked)
    with pytest.raises(WebserviceException, match="cannot be the name of a service"):
        Model.deploy(ws, name, [model])
    assert len(wire.asked) == before


def test_a_name_in_use_is_refused_unless_it_is_overwritten(ws, model, service):
    with pytest.raises(WebserviceException, match="overwrite=True"):
        Model.deploy(ws, "diabetes", [model])
    again = Model.deploy(ws, "diabetes", [model], overwrite=True)
    assert len(again._deployments) == 2


def test_without_a_script_one_model_of_a_known_framework_is_needed(ws, model, folder):
    other = Model.register(ws, str(folder / "model.joblib"), "other")
    with pytest.raises(UserErrorException, match="framework Custom"):
        Model.deploy(ws, "other", [other])
    with pytest.raises(UserErrorException, match="exactly one model"):
        Model.deploy(ws, "both", [model, other])


def test_a_configuration_that_cannot_be_lists_all_its_faults():
    with pytest.raises(WebserviceException) as raised:
        AksWebservice.deploy_configuration(
            auth_enabled=True, token_auth_enabled=True, autoscale_enabled=True, num_replicas=2,
            autoscale_min_replicas=5, autoscale_max_replicas=2, cpu_cores=1, cpu_cores_limit=0.5,
        )  # fmt: skip
    text = str(raised.value)
    for words in ("exclude each other", "num_replicas", "is above", "is below"):
        assert words in text
    with pytest.raises(WebserviceException, match="cpu_cores must be above 0"):
        AciWebservice.deploy_configuration(cpu_cores=0)
    with pytest.raises(WebserviceException, match="no autoscale value"):
        AksWebservice.deploy_configuration(autoscale_enabled=False, autoscale_max_replicas=3)


def test_what_a_configuration_says_is_on_the_service(ws, model):
    config = AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, tags={"method": "sklearn"}, description="Diabetes", location="eastus2",
        properties={"a": "b"},
    )  # fmt: skip
    config.tags["late"] = "yes"
    service = Model.deploy(ws, "with-tags", [model], deployment_config=config)
    assert service.tags == {"method": "sklearn", "late": "yes"}
    assert (service.description, service.location, service.properties) == ("Diabetes", "eastus2", {"a": "b"})
    assert service.serialize()["computeType"] == "ACI"


def test_an_aks_service_goes_to_its_cluster_with_a_key(ws, model):
    config = AksWebservice.deploy_configuration(enable_app_insights=True, compute_target_name="aks-mlflow")
    with pytest.raises(WebserviceException, match="aks-mlflow"):
        Model.deploy(ws, "on-aks", [model], deployment_config=config)
    ComputeTarget.create(ws, "aks-mlflow", AksCompute.provisioning_configuration())
    service = Model.deploy(ws, "on-aks", [model], deployment_config=config)
    assert isinstance(service, AksWebservice)
    assert service.auth_enabled
    assert service.enable_app_insights


def test_keys_are_shown_and_one_is_made_anew(ws, model):
    config = AciWebservice.deploy_configuration(auth_enabled=True, primary_key="a-key-that-is-chosen-0123456789")
    service = Model.deploy(ws, "keyed", [model], deployment_config=config)
    primary, secondary = service.get_keys()
    assert primary == "a-key-that-is-chosen-0123456789"
    service.regen_key("Primary")
    assert service.get_keys()[0] != primary
    assert service.get_keys()[1] == secondary
    with pytest.raises(WebserviceException, match="Primary"):
        service.regen_key("third")
    with pytest.raises(WebserviceException, match="not with a token"):
        service.get_token()


def test_a_service_of_tokens_gives_one_and_the_time_of_the_next(ws, model):
    ComputeTarget.create(ws, "aks-mlflow", AksCompute.provisioning_configuration())
    config = AksWebservice.deploy_configuration(token_auth_enabled=True, compute_target_name="aks-mlflow")
    service = Model.deploy(ws, "tokens", [model], deployment_config=config)
    token, refresh_after = service.get_token()
    assert token and refresh_after.tzinfo is not None
    assert service.get_access_token().access_token


def test_a_service_is_updated_while_it_serves(ws, model, service, folder):
    service.update(tags={"a": "1"}, auth_enabled=True)
    assert service.tags == {"a": "1"}
    assert service.auth_enabled
    newer = Model.register(ws, str(folder / "model.joblib"), "diabetes", model_framework="ScikitLearn")
    service.update(models=[newer])
    assert "diabetes:2" in service._model_ids


def test_waiting_says_the_steps_and_how_it_ended(service, capsys):
    become("diabetes", state="Healthy", stages=[["Queued", 1000], ["Healthy", 2000]])
    service.wait_for_deployment(show_output=True)
    said = capsys.readouterr().out
    assert 'ACI service creation operation finished, operation "Succeeded"' in said
    assert "Queued" in said


def test_a_service_that_failed_raises_with_its_last_lines(service):
    become("diabetes", state="Failed", error="The model could not be loaded.", trace="Traceback\nKeyError: 'x'")
    with pytest.raises(WebserviceException) as raised:
        service.wait_for_deployment()
    for words in ("current service state: Failed", "could not be loaded", "KeyError: 'x'"):
        assert words in str(raised.value)


def test_a_service_that_is_not_there_is_said(ws):
    with pytest.raises(WebserviceException, match="WebserviceNotFound"):
        Webservice(ws, "nothere")


def test_a_model_that_serves_is_not_deleted(service, model):
    become("diabetes", state="Healthy")
    with pytest.raises(WebserviceException, match="diabetes"):
        model.delete()


def test_a_service_is_deleted(ws, service):
    service.delete()
    assert not ws.webservices or ws.webservices["diabetes"].state == "Deleting"


def test_a_call_fetches_the_key_and_tries_again_with_the_new_one(ws, model, wire, monkeypatch):
    config = AciWebservice.deploy_configuration(auth_enabled=True)
    service = Model.deploy(ws, "keyed", [model], deployment_config=config)
    sent = []

    def answer(url, data, headers, timeout):
        sent.append(headers["Authorization"])
        made = requests.Response()
        made.status_code, made._content = (401, b"{}") if len(sent) == 1 else (200, b'{"predict": [1]}')
        return made

    monkeypatch.setattr(ws._studio.session, "post", answer)
    service._known["secret"] = "an old key"
    assert service.run(json.dumps({"data": [[1]]})) == {"predict": [1]}
    assert sent == ["Bearer an old key", f"Bearer {service.get_keys()[0]}"]
    with pytest.raises(WebserviceException, match=r"json\.dumps"):
        service.run({"data": []})


def test_a_new_key_is_waited_for_and_a_wrong_one_is_not_for_ever(ws, model, monkeypatch):
    service = Model.deploy(
        ws, "keyed", [model], deployment_config=AciWebservice.deploy_configuration(auth_enabled=True)
    )
    statuses = [401, 401, 401, 200, 401, 401, 401, 401]
    waited = []

    def answer(*_given, **_named):
        made = requests.Response()
        made.status_code, made._content = statuses.pop(0), b"{}"
        return made

    monkeypatch.setattr(ws._studio.session, "post", answer)
    monkeypatch.setattr("azureml.core.webservice.webservice.time.sleep", waited.append)
    assert service.run("{}") == {}
    assert waited == [0.0, 1.0, 2.0]
    with pytest.raises(WebserviceException, match="Response Code: 401"):
        service.run("{}")
    assert statuses == []


def test_another_answer_is_an_error_with_all_of_it(ws, service, monkeypatch):
    made = requests.Response()
    made.status_code, made._content = 400, b'{"message": "no columns"}'
    monkeypatch.setattr(ws._studio.session, "post", lambda *_given, **_named: made)
    with pytest.raises(WebserviceException, match=r"(?s)Response Code: 400.*no columns"):
        service.run("{}")


def test_a_script_is_sent_with_its_folder_and_environment(ws, model, script):
    from deployments.models import Deployment

    (script.parent / "beside.py").write_text("x = 1\n")
    environment = Environment("inference")
    environment.python.conda_dependencies.add_pip_package("numpy")
    config = InferenceConfig("score.py", source_directory=str(script.parent), environment=environment)
    Model.deploy(ws, "scripted", [model], config, AciWebservice.deploy_configuration())
    row = Deployment.objects.get(endpoint__name="scripted")
    assert row.entry_script == "score.py"
    assert "beside.py" in row.code


@pytest.mark.parametrize(
    ("text", "said"),
    [("def init(:\n", "no Python"), ("def init():\n    pass\n", r"defines no run\(\)")],
)
def test_a_script_that_cannot_serve_is_refused_before_anything_is_sent(wire, folder, text, said):
    (folder / "score.py").write_text(text)
    with pytest.raises(UserErrorException, match=said):
        InferenceConfig("score.py")
    with pytest.raises(UserErrorException, match="There is no entry script"):
        InferenceConfig("nothere.py")
    assert wire.asked == []


def test_a_model_is_tried_on_this_computer(ws, model, folder, monkeypatch):
    import studio_sdk
    from azureml.core.webservice import LocalWebservice

    monkeypatch.setenv("PYTHONPATH", str(Path(studio_sdk.__file__).parents[1]))
    (folder / "score.py").write_text(
        "import json, os\n"
        "def init():\n    print('ready')\n"
        "def run(raw):\n    return {'got': json.loads(raw), 'files': os.listdir(os.environ['AZUREML_MODEL_DIR'])}\n"
    )
    local = Model.deploy(ws, "tried", [model], InferenceConfig("score.py"), LocalWebservice.deploy_configuration())
    try:
        local.wait_for_deployment()
        assert local.run('{"a": 1}') == {"got": {"a": 1}, "files": ["model.joblib"]}
        assert "ready" in local.get_logs()
        (folder / "score.py").write_text("def init():\n    pass\ndef run(raw):\n    return 2\n")
        local.reload(wait=True)
        assert local.run("{}") == 2
        with pytest.raises(WebserviceException, match="500"):
            (folder / "score.py").write_text("def init():\n    pass\ndef run(raw):\n    return 1 / 0\n")
            local.reload(wait=True)
            local.run("{}")
    finally:
        local.delete()
