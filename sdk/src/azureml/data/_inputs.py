"""Datasets among a script's arguments: asked for by a job, or copied here for a run of this computer."""

from __future__ import annotations

import copy
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from studio_sdk.tracking import named

from azureml.data.dataset_consumption_config import DIRECT, MOUNT, DatasetConsumptionConfig
from azureml.exceptions import UserErrorException, translated

REFERENCE, IDS = "AZUREML_DATAREFERENCE_", "STUDIO_DATASETS"
PLACE = re.compile(r"\$\{\{\s*inputs\.(\w+)\s*\}\}")
CONTEXT = "mlflow.data.context"

Inputs = dict[str, DatasetConsumptionConfig]


def inputs_of(config: Any, workspace: Any) -> Inputs:
    """Collect the inputs of a ScriptRunConfig, each registered, under a name made for it if it had none.

    Raises UserErrorException for two of one name.
    """
    run_config = config.run_config
    given = [*(run_config.arguments or []), *listed(run_config.command), *run_config.data.values(),
             *run_config.data_references.values()]  # fmt: skip
    found: Inputs = {}
    for one in given:
        consumption = getattr(one, "_as_input", None)
        if consumption is None:
            continue
        if found.setdefault(consumption.name, consumption) is not consumption and not alike(
            found[consumption.name], consumption
        ):
            raise UserErrorException(f"Two inputs have the name “{consumption.name}”.")
    for one in [*given, *found.values()]:
        if isinstance(one, DatasetConsumptionConfig):
            one.dataset = one.dataset._known(workspace)  # so that its id can be an argument
    return found


def listed(command: Any) -> list[Any]:
    return list(command) if isinstance(command, (list, tuple)) else []


def alike(one: DatasetConsumptionConfig, other: DatasetConsumptionConfig) -> bool:
    return one.mode == other.mode and (one.dataset is other.dataset or one.dataset.id == other.dataset.id is not None)


def asked(inputs: Inputs) -> dict[str, Any]:
    """Write inputs as the studio's API takes them; it copies either way and notes what was to be mounted."""
    modes = {name: {"mode": MOUNT} if one.mode == MOUNT else {} for name, one in inputs.items()}
    return {name: {"dataset": str(one.dataset.id), **modes[name]} for name, one in inputs.items()}


def variables(inputs: Inputs) -> dict[str, str]:
    """Give the variable by which the script's run knows which inputs it gets as datasets."""
    direct = {name: str(one.dataset.id) for name, one in inputs.items() if one.mode == DIRECT}
    return {IDS: json.dumps(direct)} if direct else {}


# ---- On this computer ----------------------------------------------------------------------


def placed(config: Any, workspace: Any) -> Any:
    """Give a configuration whose inputs are folders of this computer, gone with it; one without inputs as it is."""
    from azureml.core.script_run_config import word

    inputs = inputs_of(config, workspace)
    if not inputs:
        return config
    made = copy.copy(config)
    made.inputs, made.folder = inputs, tempfile.TemporaryDirectory(prefix="inputs-")
    folders = copied(inputs, Path(made.folder.name))
    run_config = made.run_config = copy.deepcopy(config.run_config)
    run_config.arguments = [filled(word(one), folders) for one in run_config.arguments]
    if run_config.command is not None:
        words = [filled(word(one), folders) for one in listed(run_config.command)]
        run_config.command = words or filled(str(run_config.command), folders)
    references = {f"{REFERENCE}{name}": path for name, path in folders.items()}
    run_config.environment_variables = {**run_config.environment_variables, **variables(inputs), **references}
    return made


def copied(inputs: Inputs, folder: Path) -> dict[str, str]:
    """Copy the files of the inputs that are folders; gives the folders by name."""
    for name, one in inputs.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        if one.mode != DIRECT:
            one.dataset.download(str(folder / name), overwrite=True)  # type: ignore[attr-defined]
    return {name: str(folder / name) for name in inputs}


def filled(word: str, folders: dict[str, str]) -> str:
    """Put folders in the place of `${{inputs.name}}`."""
    return PLACE.sub(lambda found: folders.get(found[1], found[0]), word)


def record(run: Any, config: Any) -> None:
    """Write the inputs of a placed configuration to the run, as a job's are."""
    inputs: Inputs = getattr(config, "inputs", {})
    rows = [
        {"tags": [{"key": CONTEXT, "value": name}], "dataset": described(one.dataset)} for name, one in inputs.items()
    ]
    if rows:
        with translated():
            run._workspace._mlflow.post("runs/log-inputs", {"run_id": run.id, "datasets": rows}, is_safe=True)


def described(dataset: Any) -> dict[str, str]:
    source = json.dumps({"dataset": dataset.name, "version": dataset.version})
    return {"name": dataset.name, "digest": str(dataset._of("digest")), "source_type": "studio", "source": source}


# ---- Of a run ----------------------------------------------------------------------


def inside() -> dict[str, str]:
    """Give the folders of the inputs of the run that this script is."""
    return {key[len(REFERENCE) :]: path for key, path in os.environ.items() if key.startswith(REFERENCE)}


def recorded(row: dict[str, Any]) -> dict[str, str]:
    """Give the ids of the datasets that a run was given, by input."""
    found = {}
    for one in (row.get("inputs") or {}).get("dataset_inputs", []):
        if one["dataset"].get("source_type") == "studio":
            source = json.loads(one["dataset"]["source"])
            name = named(one.get("tags", [])).get(CONTEXT, source["dataset"])
            found[name] = f"{source['dataset']}@{source['version']}"
    return found


def of_run(run: Any) -> dict[str, Any]:
    """Give a run's inputs: datasets, and inside the run the folders of those that were mounted or downloaded."""
    from azureml.core.dataset import Dataset

    ids = json.loads(os.environ.get(IDS, "{}")) if run._is_inside else recorded(run._load())
    found: dict[str, Any] = dict(inside()) if run._is_inside else {}
    return {**found, **{name: Dataset.get_by_id(run._workspace, one) for name, one in ids.items()}}


def details(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Write a run's inputs as `get_details` does."""
    return [
        {"dataset": {"id": one}, "consumptionDetails": {"type": "RunInput", "inputName": name, "mechanism": "Mount"}}
        for name, one in recorded(row).items()
    ]
