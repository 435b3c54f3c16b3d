"""Datasets and datastores of scripts that were written for the original."""

from azureml._offered import not_offered
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.dataset_factory import DataType
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset

__all__ = ["DataPath", "DataReference", "DataType", "DatasetConsumptionConfig", "FileDataset", "TabularDataset"]

__getattr__ = not_offered(__name__)
