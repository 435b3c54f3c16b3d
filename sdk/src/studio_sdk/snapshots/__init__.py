"""A folder of code as a client sends it: which files belong to it, what they hash to, how they travel.

Standard library only, and nothing of the studio: whoever submits carries these files along.
"""

from studio_sdk.snapshots.folder import BYTES_MAX, FILES_MAX, Folder, FolderError, SnapshotFile, read_folder
from studio_sdk.snapshots.ignore import IgnoreFile, Rules
from studio_sdk.snapshots.sending import send_folder

__all__ = [
    "BYTES_MAX",
    "FILES_MAX",
    "Folder",
    "FolderError",
    "IgnoreFile",
    "Rules",
    "SnapshotFile",
    "read_folder",
    "send_folder",
]
