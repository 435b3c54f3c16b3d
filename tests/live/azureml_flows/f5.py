"""F5: deploy the model of F4 to an instance by MLflow's own name, and call it."""

import json
import warnings

import mlflow
import mlflow.azureml
from azureml.core import Webservice, Workspace
from azureml.core.webservice import AciWebservice
from sklearn.datasets import load_diabetes

warnings.simplefilter("ignore")
ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
aci_config = AciWebservice.deploy_configuration(
    cpu_cores=1, memory_gb=1, tags={"method": "sklearn"}, description="Diabetes model", location="eastus2"
)
webservice, azure_model = mlflow.azureml.deploy(
    model_uri="models:/my-model/1", workspace=ws, deployment_config=aci_config, service_name="diabetes-model-1"
)
assert webservice.state == "Healthy"
assert webservice.tags["method"] == "sklearn"
assert azure_model.name == "my-model"
rows = load_diabetes().data[:3].tolist()
answer = webservice.run(json.dumps({"input_data": {"columns": list(range(10)), "index": [0, 1, 2], "data": rows}}))
assert len(answer) == 3 or len(answer["predictions"]) == 3, answer
assert Webservice(ws, "diabetes-model-1").scoring_uri == webservice.scoring_uri
assert webservice.get_logs()
webservice.delete()
print("F5 done")
