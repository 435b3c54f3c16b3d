"""What a conda package is called where pip looks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from compute.environments.spec import BadEnvironment, minor_of

# conda name → PyPI name, where they differ.
RENAMED = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "py-xgboost": "xgboost",
    "py-opencv": "opencv-python-headless",
    "opencv": "opencv-python-headless",
    "tensorflow-base": "tensorflow",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "dask-core": "dask",
    "faiss-cpu": "faiss-cpu",
    "pyqt": "pyqt5",
    "cudatoolkit": "",
}

# Programs and libraries that wheels bring themselves or do without.
LEFT_OUT = {
    "_libgcc_mutex", "_openmp_mutex", "blas", "bzip2", "ca-certificates", "certifi-win", "cpuonly", "cudatoolkit",
    "cudnn", "intel-openmp", "ld_impl_linux-64", "libblas", "libcblas", "libffi", "libgcc-ng", "libgfortran-ng",
    "libgomp", "liblapack", "libstdcxx-ng", "mkl", "mkl-service", "ncurses", "nomkl", "openssl", "pip", "pytorch-cuda",
    "python_abi", "readline", "sqlite", "tk", "vs2015_runtime", "xz", "zlib",
}  # fmt: skip

PACKAGE = re.compile(r"(?:[\w.-]+::)?(?P<name>[\w.-]+)\s*(?P<version>[=<>!~].*|[\d*].*)?")


@dataclass(frozen=True)
class CondaPackage:
    """One of the three is set: what pip installs, the Python that is asked for, or a note on what was left out."""

    requirement: str = ""
    python: str = ""
    note: str = ""


def as_requirement(text: str) -> CondaPackage:
    """Translate one conda match specification, such as `numpy=1.26`, `conda-forge::scipy>=1.9` or `python=3.11.7`."""
    found = PACKAGE.fullmatch(text.strip())
    if not found:
        raise BadEnvironment(f"conda.yaml: “{text[:80]}” is not a conda package.")
    name, version = found["name"].lower(), (found["version"] or "").strip()
    if name == "python":
        digits = re.search(r"3\.\d+", version)
        if version and not digits and version.strip("=* "):
            raise BadEnvironment(f"conda.yaml: “{text[:60]}” asks for a Python that is not 3.")
        return CondaPackage(python=minor_of(digits.group()) if digits else "")
    if name == "pip":
        return CondaPackage()  # uv does its work
    if name in LEFT_OUT or name.startswith(("lib", "gcc_", "gxx_", "r-")):
        return CondaPackage(note=f"{text.strip()} was left out: it is a library of conda, which wheels do without.")
    return CondaPackage(requirement=RENAMED.get(name, name) + pip_version(version))


def pip_version(version: str) -> str:
    """Translate `=1.2` (any 1.2), `=1.2.3=build`, `==1.2.3`, ` 1.2.*` and comparisons."""
    if not version:
        return ""
    if version[0] in "<>!~":
        return version.replace(" ", "")
    exact = version.startswith("==")
    parts = version.lstrip("=").strip().split("=")
    number, build = parts[0].strip(), parts[1:]
    if not number or number == "*":
        return ""
    if "," in number or "|" in number:
        raise BadEnvironment(
            f"conda.yaml: the version “{version[:60]}” has no equal for pip; write one version or range."
        )
    if exact or build or number.endswith("*"):
        return f"=={number}"
    return f"=={number}.*"
