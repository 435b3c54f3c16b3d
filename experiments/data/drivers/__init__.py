"""Stores of clouds behind one interface: a kind, a module, imported when such a store is first used."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from experiments.data.drivers.base import Connection, Driver, Secret

DRIVERS = {
    "s3": "experiments.data.drivers.s3",
    "azure_blob": "experiments.data.drivers.azure_blob",
    "gcs": "experiments.data.drivers.gcs",
}

__all__ = ["DRIVERS", "Connection", "Driver", "Secret", "driver"]


def driver(kind: str) -> Driver:
    return cast(Driver, import_module(DRIVERS[kind]))
