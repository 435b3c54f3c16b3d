"""The names of Azure ML SDK v1, served by a studio."""

from importlib.metadata import PackageNotFoundError, version

from azureml._absent import tell


def refuse_beside_the_original() -> None:
    """Raise ImportError when Microsoft's package is installed too: both own the same files."""
    try:
        original = version("azureml-core")
    except PackageNotFoundError:
        return
    raise ImportError(
        f"azureml-core {original} is installed in this environment, and the studio's client has the same modules. "
        "Keep one: pip uninstall azureml-core, then install the studio's wheel again."
    )


refuse_beside_the_original()
tell()
