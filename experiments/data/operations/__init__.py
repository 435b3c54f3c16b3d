"""Every change to datastores and datasets."""

from experiments.data.operations.datasets import (
    create_dataset,
    create_dataset_version,
    delete_dataset,
    delete_dataset_version,
    profile_version,
    update_dataset,
)
from experiments.data.operations.datastores import (
    check_datastore,
    create_datastore,
    delete_datastore,
    delete_file,
    put_file,
    replace_credentials,
)

__all__ = [
    "check_datastore",
    "create_dataset",
    "create_dataset_version",
    "create_datastore",
    "delete_dataset",
    "delete_dataset_version",
    "delete_datastore",
    "delete_file",
    "profile_version",
    "put_file",
    "replace_credentials",
    "update_dataset",
]
