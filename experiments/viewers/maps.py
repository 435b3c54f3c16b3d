"""GeoJSON (RFC 7946) as a map of lines, without tiles: a drawing asks no other host for anything."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments.viewers.outline import parsed_json
from experiments.viewers.source import NotShown, Source

LONGEST = 8 * 1024 * 1024
MOST_FEATURES = 5000
MOST_POINTS = 50_000
DEEPEST = 8
WIDTH = 800.0
TALLEST = 800.0
POINT_RADIUS = 4
GEOMETRIES = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """A feature as drawn: `path` of an SVG, `points` with a mark each, and what its properties say."""

    path: str
    points: tuple[tuple[str, str], ...]
    is_area: bool
    title: str


@dataclass(frozen=True)
class Map:
    """Shapes in a drawing; the corners are in degrees. Figures of the drawing are text: no language may change them."""

    shapes: tuple[Shape, ...]
    view_box: str
    west: float
    south: float
    east: float
    north: float
    rest: int


@dataclass(frozen=True)
class Feature:
    """What a feature is made of: open lines, closed rings and single points, each in degrees."""

    lines: tuple[tuple[Point, ...], ...]
    rings: tuple[tuple[Point, ...], ...]
    points: tuple[Point, ...]
    title: str

    def every(self) -> Iterator[Point]:
        for line in (*self.lines, *self.rings):
            yield from line
        yield from self.points


def show(source: Source) -> Map:
    """Show a GeoJSON document. Raises NotShown for one that is none, or has nothing to draw."""
    content = parsed_json(source.text(LONGEST))
    written = list(features(content))
    found: list[Feature] = []
    drawn = 0
    for one in written[:MOST_FEATURES]:
        made = feature(one)
        drawn += sum(1 for _point in made.every())
        if drawn > MOST_POINTS:
            break
        found.append(made)
    points = [point for one in found for point in one.every()]
    if not points:
        raise NotShown
    return drawing(found, points, len(written) - len(found))


def features(content: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(content, dict):
        return
    if content.get("type") == "FeatureCollection" and isinstance(content.get("features"), list):
        yield from (one for one in content["features"] if isinstance(one, dict))
    elif content.get("type") == "Feature":
        yield content
    elif content.get("type") in GEOMETRIES:
        yield {"geometry": content}


def feature(written: dict[str, Any]) -> Feature:
    lines: list[tuple[Point, ...]] = []
    rings: list[tuple[Point, ...]] = []
    points: list[Point] = []
    for geometry in flat(written.get("geometry"), 0):
        kind, parts = geometry.get("type"), list(positions(geometry.get("coordinates"), 0))
        if kind in ("Point", "MultiPoint"):
            points += [point for part in parts for point in part]
        elif kind in ("Polygon", "MultiPolygon"):
            rings += [part for part in parts if len(part) > 2]
        elif kind in ("LineString", "MultiLineString"):
            lines += [part for part in parts if len(part) > 1]
    return Feature(tuple(lines), tuple(rings), tuple(points), title(written.get("properties")))


def flat(geometry: Any, depth: int) -> Iterator[dict[str, Any]]:
    if not isinstance(geometry, dict) or depth > DEEPEST:
        return
    inside = geometry.get("geometries")
    if geometry.get("type") == "GeometryCollection" and isinstance(inside, list):
        for one in inside:
            yield from flat(one, depth + 1)
    else:
        yield geometry


def positions(written: Any, depth: int) -> Iterator[tuple[Point, ...]]:
    """Give the sequences of positions at the bottom of a geometry's coordinates."""
    if not isinstance(written, list) or depth > DEEPEST:
        return
    if point := position(written):
        yield (point,)
        return
    line = tuple(point for one in written if (point := position(one)))
    if line:
        yield line
        return
    for one in written:
        yield from positions(one, depth + 1)


def position(written: Any) -> Point | None:
    if not isinstance(written, list) or len(written) < 2:
        return None
    across, up = written[0], written[1]
    if not all(isinstance(one, int | float) and abs(one) < 1e9 and math.isfinite(one) for one in (across, up)):
        return None
    return float(across), float(up)


def title(properties: Any) -> str:
    if not isinstance(properties, dict):
        return ""
    said = [f"{str(name)[:60]}: {str(value)[:80]}" for name, value in list(properties.items())[:8]]
    return "\n".join(said)


def drawing(found: list[Feature], points: list[Point], rest: int) -> Map:
    west, east = min(point[0] for point in points), max(point[0] for point in points)
    south, north = min(point[1] for point in points), max(point[1] for point in points)
    # A degree of longitude is shorter away from the equator: widths shrink by the cosine of the middle's latitude.
    shrink = max(0.1, math.cos(math.radians(max(-85.0, min(85.0, (south + north) / 2)))))
    span = max((east - west) * shrink, north - south, 1e-9)
    wide, tall = max((east - west) * shrink, span / 20), max(north - south, span / 20)
    scale = min(WIDTH / wide, TALLEST / tall)
    width, height = round(wide * scale + 2 * POINT_RADIUS, 1), round(tall * scale + 2 * POINT_RADIUS, 1)

    def place(point: Point) -> Point:
        across = (point[0] - west) * shrink * scale + POINT_RADIUS
        return round(across, 1), round(height - POINT_RADIUS - (point[1] - south) * scale, 1)

    def path(one: Feature) -> str:
        open_lines = ["M" + "L".join("{:g} {:g}".format(*place(point)) for point in line) for line in one.lines]
        closed = ["M" + "L".join("{:g} {:g}".format(*place(point)) for point in ring) + "Z" for ring in one.rings]
        return "".join(open_lines + closed)

    shapes = tuple(
        Shape(path(one), tuple(written(place(point)) for point in one.points), bool(one.rings), one.title)
        for one in found
    )
    return Map(shapes, f"0 0 {width:g} {height:g}", west, south, east, north, rest)


def written(point: Point) -> tuple[str, str]:
    return f"{point[0]:g}", f"{point[1]:g}"
