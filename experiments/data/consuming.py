"""Code that reads a version, to copy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from experiments.data.models import DatasetKind, DatasetVersion


@dataclass(frozen=True)
class Snippet:
    label: str | Promise
    text: str


def snippets(version: DatasetVersion, studio: str) -> list[Snippet]:
    """Give what a job's submission says, what its script does, and what any other script does."""
    name = input_name(version.dataset.name)
    return [
        Snippet(_("In a job's submission (POST …/api/v1/jobs)"), submission(version, name)),
        Snippet(_("In the job's script"), script(version, name)),
        Snippet(_("Anywhere, with a token of your account"), anywhere(version, studio)),
    ]


def input_name(dataset: str) -> str:
    """Make of a dataset's name one that a job may know it by."""
    name = re.sub(r"\W", "_", dataset, flags=re.ASCII)[:90]
    return name if name and not name[0].isdigit() else f"data_{name}"


def submission(version: DatasetVersion, name: str) -> str:
    inputs = json.dumps({name: {"dataset": str(version), "mode": "copy"}}, ensure_ascii=False)
    return f'"inputs": {inputs},\n"command": ["python", "train.py", "--data", "${{{{inputs.{name}}}}}"]'


def script(version: DatasetVersion, name: str) -> str:
    """Read what was copied: MLflow has the version among the run's inputs already."""
    first = version.files[0]["name"]
    lines = ["import os", f'folder = os.environ["AZUREML_DATAREFERENCE_{name}"]']
    if version.dataset.kind == DatasetKind.TABULAR:
        lines = ["import pandas as pd", *lines, f"frame = {reading(version, f'os.path.join(folder, {first!r})')}"]
    else:
        lines += ["print(sorted(os.listdir(folder)))"]
    return "\n".join(lines)


def anywhere(version: DatasetVersion, studio: str) -> str:
    """Read a file by the studio's API, and note it as the input of a run."""
    where = f"{studio}/w/{quote(version.workspace.name)}/api/v1/datasets/{quote(version.dataset.name)}"
    url = f"{where}/versions/{version.number}/files/{quote(version.files[0]['name'])}"
    if version.dataset.kind != DatasetKind.TABULAR:
        header = '-H "Authorization: Bearer $MLFLOW_TRACKING_TOKEN"'
        return f"curl -fL {header} \\\n  -O {url!r}"
    name = repr(version.dataset.name)
    return "\n".join(
        [
            "import os, mlflow, pandas as pd",
            f"url = {url!r}",
            'token = {"Authorization": f"Bearer {os.environ[\'MLFLOW_TRACKING_TOKEN\']}"}',
            f"frame = {reading(version, 'url', ', storage_options=token')}",
            "with mlflow.start_run():",
            f"    data = mlflow.data.from_pandas(frame, source=url, name={name}, digest={version.digest!r})",
            '    mlflow.log_input(data, context="training")',
        ]
    )


def reading(version: DatasetVersion, what: str, more: str = "") -> str:
    """Write pandas' call that reads a file as the version's options say."""
    options = version.options
    if options.get("format") == "parquet":
        return f"pd.read_parquet({what}{more})"
    said = "" if options["separator"] == "," else f", sep={options['separator']!r}"
    said += "" if options["has_header"] else ", header=None"
    said += "" if options["encoding"] == "utf-8" else f", encoding={options['encoding']!r}"
    return f"pd.read_csv({what}{said}{more})"
