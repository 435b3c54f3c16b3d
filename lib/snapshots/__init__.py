"""A folder of code as the studio keeps it. Reading a folder and sending it is the client's: `sdk/`.

The rules of ignore files are in both, since neither may import the other; a test holds the two equal.
"""

from lib.snapshots.folder import BYTES_MAX, FILES_MAX, SnapshotFile
from lib.snapshots.ignore import IgnoreFile, Rules

__all__ = ["BYTES_MAX", "FILES_MAX", "IgnoreFile", "Rules", "SnapshotFile"]
