"""Names of the original for its kinds of datastores; a studio has one class for all."""

from azureml.core.datastore import Datastore

AbstractAzureStorageDatastore = AzureBlobDatastore = AzureFileDatastore = Datastore
