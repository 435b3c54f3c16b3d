"""The studio's client: one request path, and a module a noun. The `azureml` modules and the command stand on it."""

__version__ = "1.62.0+studio.1"
