"""F8: register with a framework, and deploy with no code."""

import json
from pathlib import Path

from azureml.core import Experiment, Model, Workspace
from azureml.core.model import InferenceConfig
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import WebserviceException
from sklearn.datasets import load_iris

ws = Workspace.from_config()
run = next(
    one for one in Experiment(ws, "Tutorial-TrainIRIS").get_runs() if "outputs/model.joblib" in one.get_file_names()
)
model = run.register_model(
    model_name="sklearn-iris",
    model_path="outputs/model.joblib",
    model_framework=Model.Framework.SCIKITLEARN,
    model_framework_version="0.19.1",
    resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
)
assert model.model_framework == "ScikitLearn"
web_service = Model.deploy(ws, "scikit-learn-service", [model], overwrite=True)
web_service.wait_for_deployment(show_output=True)
assert (web_service.cpu_cores, web_service.memory_gb) == (1.0, 0.5)
rows = load_iris().data[[0, 100]].tolist()
answer = web_service.run(json.dumps({"data": rows}))
assert answer in ({"predict": [0, 2]}, [0, 2]), answer
try:
    model.delete()
except WebserviceException as error:
    assert "scikit-learn-service" in str(error), error
else:
    raise SystemExit("a model that serves was deleted")
web_service.delete()

# The ordinary way, with a script: it finds beside the model what a service without code is promised to hold.
inference = InferenceConfig(entry_script="score.py", source_directory=str(Path(__file__).parent / "service"))
web_service = Model.deploy(ws, "iris-by-script", [model], inference, overwrite=True)
web_service.wait_for_deployment(show_output=True)
assert web_service.run(json.dumps({"data": rows})) == [0, 2]
assert web_service.swagger_uri.endswith("/swagger.json")
web_service.delete()
print("F8 done")
