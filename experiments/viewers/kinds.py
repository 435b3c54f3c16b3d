"""What a file is, by its name alone: how it may be sent to a browser, and which viewers are asked, in which order."""

from __future__ import annotations

from pathlib import PurePosixPath

# What a browser may show by itself, with the type it is told. Pictures of svg cannot run anything as pictures, and the
# answer's policy forbids it to them as pages.
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".ico": "image/x-icon",
    ".avif": "image/avif",
    ".svg": "image/svg+xml",
}
SOUNDS = {
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".opus": "audio/ogg",
}
FILMS = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
    ".ogv": "video/ogg",
    ".mov": "video/quicktime",
}
PAGES = {".html", ".htm"}
# Opening one of these runs its author's code, so the studio never does.
RUNS_CODE = {
    ".pkl",
    ".pickle",
    ".joblib",
    ".cloudpickle",
    ".dill",
    ".pt",
    ".pth",
    ".ckpt",
    ".skops",
    ".h5",
    ".hdf5",
    ".keras",
    ".npy",
    ".npz",
    ".rds",
    ".rdata",
}
BY_SUFFIX = {
    ".csv": ("table", "text"),
    ".tsv": ("table", "text"),
    ".jsonl": ("lines", "text"),
    ".ndjson": ("lines", "text"),
    ".json": ("log-table", "map", "outline", "text"),
    ".geojson": ("map", "outline", "text"),
    ".yaml": ("outline", "text"),
    ".yml": ("outline", "text"),
    ".ipynb": ("notebook", "text"),
    ".md": ("markdown", "text"),
    ".parquet": ("parquet",),
    ".pq": ("parquet",),
    ".html": ("page", "text"),
    ".htm": ("page", "text"),
    ".svg": ("picture", "text"),
    ".pdf": ("pdf",),
    ".tif": ("drawn-elsewhere",),
    ".tiff": ("drawn-elsewhere",),
    **dict.fromkeys(PICTURES.keys() - {".svg"}, ("picture",)),
    **dict.fromkeys(SOUNDS, ("sound",)),
    **dict.fromkeys(FILMS, ("film",)),
    **dict.fromkeys(RUNS_CODE, ("runs-code",)),
}
CODE = {".py", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".sh", ".sql", ".xml", ".html", ".r", ".js", ".ipynb"}
TABLES = {".csv", ".tsv", ".parquet", ".pq", ".jsonl"}
LOGS = {".log", ".txt", ".out", ".err"}


def suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def viewers(path: str) -> tuple[str, ...]:
    """Name the viewers to ask, the best first; what is known by nothing is text, or else bytes."""
    return BY_SUFFIX.get(suffix(path), ("text",))


def icon(path: str) -> str:
    """Name the icon of a file."""
    ending = suffix(path)
    if ending in PICTURES:
        return "image"
    if ending in TABLES:
        return "table"
    if ending in CODE or path.rpartition("/")[2] == "MLmodel":
        return "file-code"
    return "log" if ending in LOGS else "file"
