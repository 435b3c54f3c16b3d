"""Training beyond a single script: `azureml.train.hyperdrive`."""

from azureml._offered import not_offered

__getattr__ = not_offered(__name__)
