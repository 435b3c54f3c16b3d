"""The charts' formulas, run as the browser runs them: by the JavaScript engine that comes with Playwright."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import playwright
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(playwright.__file__).parent / "driver" / "node"

numbers = st.floats(-1e6, 1e6)
lines = st.lists(st.tuples(st.integers(0, 10_000), st.one_of(numbers, st.none())), min_size=1, max_size=40)


def run(module: str, expression: str, *values: object) -> object:
    """Give what an expression over a module's exports (m) and values (v) comes to."""
    code = f"""
      const m = await import({json.dumps((ROOT / "static/js/charts" / module).as_uri())});
      const v = {json.dumps(values)};
      console.log(JSON.stringify({expression}));
    """
    done = subprocess.run([NODE, "--input-type=module", "-e", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def average(x: list[float], y: list[float | None], weight: float, unit: float) -> list[float | None]:
    """The formula as it stands in smoothing.js, summed up afresh for every point."""
    found: list[float | None] = []
    for i, value in enumerate(y):
        known = [(weight ** ((x[i] - x[j]) / unit), y[j]) for j in range(i + 1) if y[j] is not None]
        found.append(None if value is None else sum(w * v for w, v in known) / sum(w for w, _v in known))
    return found


def near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)


@settings(max_examples=3)
@given(st.lists(st.tuples(lines, st.floats(0.01, 0.99)), min_size=40, max_size=40))
def test_smoothing_is_the_weighted_average_over_all_points_so_far(cases):
    asked = []
    for points, weight in cases:
        points.sort(key=lambda point: point[0])
        asked.append(([x for x, _y in points], [y for _x, y in points], weight, 7.0))
    smoothed = "v.map(([x, y, w, u]) => m.smoothed(x, y.map((one) => one ?? NaN), w, u))"
    for (x, y, weight, unit), found in zip(asked, run("smoothing.js", smoothed, *asked), strict=True):
        assert all(map(near, found, average(x, y, weight, unit))), (x, y, weight, found)


def test_evenly_spaced_points_give_the_well_known_average():
    values, weight = [3.0, 1.0, 4.0, 1.0, 5.0], 0.6
    expected, last = [], 0.0
    for n, value in enumerate(values, 1):
        last = last * weight + (1 - weight) * value
        expected.append(last / (1 - weight**n))
    found = run(
        "smoothing.js", "m.smoothed([0, 10, 20, 30, 40], v[0], v[1], m.unitOf([[0, 10, 20, 30, 40]]))", values, weight
    )
    assert all(map(near, found, expected))


def test_the_unit_is_the_distance_of_neighbours_in_the_densest_line():
    assert run("smoothing.js", "m.unitOf([[0, 100], [0, 10, 20, 30], [5]])") == 10
    assert run("smoothing.js", "m.unitOf([[5], [3, 3]])") == 1


def test_what_cannot_be_drawn_is_marked_and_nothing_is_lost():
    found = run("values.js", "m.sorted([1, NaN, Infinity, -Infinity, 0, -2, 3], true)")
    assert found == {"drawn": [0, 6], "nan": [1], "up": [2], "down": [3], "beneath": [4, 5]}
    assert run("values.js", "m.sorted([-1, 0], false).drawn") == [0, 1]
    assert run("values.js", '[null, "Infinity", "-Infinity", 2].map(m.number).map(String)') == [
        "NaN",
        "Infinity",
        "-Infinity",
        "2",
    ]


def test_outliers_are_left_out_of_the_axis_and_counted():
    values = [*range(100), 1e9, -1e9]
    fence = run("values.js", "m.fence(v[0], false)", values)
    assert fence["outside"] == 2
    assert -10 < fence["range"][0] <= 0
    assert 99 <= fence["range"][1] < 110
    assert run("values.js", "m.fence(v[0], false)", list(range(100))) is None
    assert run("values.js", "m.fence([1, 2, 1000], false)") is None


def test_marks_stand_at_the_edges_and_lines_have_gaps():
    expression = """m
      .tracesOf({name: "a<b", x: [0, 1, 2, 3], values: [1, NaN, Infinity, 2]}, {}, {weight: 0, unit: 1, isLog: false})
      .map((one) => [one.name, one.yaxis ?? "y", one.x, one.y])"""
    line, lone, nan, up = run("traces.js", expression)
    assert line == ["a&#60;b", "y", [0, 1, 2, 3], [1, None, None, 2]]
    assert lone == ["a&#60;b", "y", [0, 3], [1, 2]]
    assert nan == ["a&#60;b", "y2", [1], [0]]
    assert up == ["a&#60;b", "y2", [2], [1]]
