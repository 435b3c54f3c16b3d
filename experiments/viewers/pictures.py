"""Pictures: the browser draws them; here their size in pixels is read from the head, and their neighbours are named."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from urllib.parse import quote

from experiments.artifacts import Entry
from experiments.viewers.kinds import PICTURES, suffix
from experiments.viewers.source import NotShown, Source

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO")
MOST_PIXELS = 64_000_000
# How MLflow's log_image names what it keeps: key, step, moment and a random id; a small copy beside each.
STEP = re.compile(
    r"(?P<key>.+)(?P<mark>[+%])step(?P=mark)(?P<step>\d+)(?P=mark)timestamp(?P=mark)(?P<at>\d+)(?P=mark).+"
)
SMALL_COPY = re.compile(r"[+%]compressed\.webp$")


@dataclass(frozen=True)
class Frame:
    """One of the pictures of a folder; `key` and `step` where it is of a series that `log_image` kept."""

    path: str
    key: str = ""
    step: int | None = None
    at: int = 0

    @property
    def query(self) -> str:
        return quote(self.path)

    @property
    def order(self) -> tuple[str, int, int, str]:
        return self.key or self.path, self.step or 0, self.at, self.path


@dataclass(frozen=True)
class Picture:
    """A picture with its neighbours, in the order of their names, or of their steps; `number` counts from 1."""

    frame: Frame
    width: int | None
    height: int | None
    is_huge: bool
    number: int
    total: int
    previous: Frame | None
    following: Frame | None
    steps: tuple[Frame, ...]


def show(source: Source) -> Picture:
    here = frame(source.path)
    frames = sorted((frame(one.path) for one in source.siblings() if is_shown(one)), key=lambda one: one.order)
    at = next((at for at, one in enumerate(frames) if one.path == source.path), None)
    if at is None:
        frames, at = [here], 0
    width, height = size(source)
    return Picture(
        frame=here,
        width=width,
        height=height,
        is_huge=bool(width and height and width * height > MOST_PIXELS),
        number=at + 1,
        total=len(frames),
        previous=frames[at - 1] if at else None,
        following=frames[at + 1] if at + 1 < len(frames) else None,
        steps=tuple(one for one in frames if here.key and one.key == here.key),
    )


def is_shown(entry: Entry) -> bool:
    return not entry.is_dir and suffix(entry.path) in PICTURES and not SMALL_COPY.search(entry.path)


def frame(path: str) -> Frame:
    found = STEP.fullmatch(path.rpartition("/")[2])
    if found is None:
        return Frame(path)
    return Frame(path, found["key"].replace("~", "/"), int(found["step"][:15]), int(found["at"][:15]))


def size(source: Source) -> tuple[int | None, int | None]:
    """Read width and height from the file's head; nothing is drawn here, so a small file of huge size does no harm."""
    if source.suffix == ".svg":
        return None, None
    from PIL import Image, UnidentifiedImageError  # on first use: not in every worker's memory

    with source.open() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(file, formats=FORMATS) as image:
                return image.size
        except Image.DecompressionBombError:
            return MOST_PIXELS, MOST_PIXELS
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, MemoryError, EOFError):
            return None, None


def describe(source: Source) -> Picture:
    """Describe a picture that browsers do not draw. Raises NotShown for what is no picture at all."""
    found = show(source)
    if found.width is None:
        raise NotShown
    return found
