"""Start, watch and stop a process that outlives whoever started it; known by its folder, so every call may be repeated.

Standard library only, here and in the modules beside it: drivers and compute nodes use it without Django, and the
*shim* (`shim.py`, the small parent of every process) runs without the studio's packages.
"""

from compute.launcher.process import LaunchError, observe, relimit, start, stop
from compute.launcher.spec import Limits, Observed, ProcessSpec

__all__ = ["LaunchError", "Limits", "Observed", "ProcessSpec", "observe", "relimit", "start", "stop"]
