"""What is shown of a file: the right thing, a bounded part of it, and nothing that could act on the page."""

from __future__ import annotations

import base64
import io
import json
import math
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import viewers
from experiments.artifacts import Entry
from experiments.viewers import Source
from experiments.viewers.code import PART_BYTES
from experiments.viewers.grid import PAGE_ROWS
from lib import markdown

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def source(path: str, body: bytes | str, siblings=(), **wanted: str) -> Source:
    content = body.encode() if isinstance(body, str) else body

    def open_file():
        if not path.endswith(".parquet"):
            return io.BytesIO(content)
        file = tempfile.TemporaryFile()  # noqa: SIM115  its reader is another process, and takes a file of the system
        file.write(content)
        file.seek(0)
        return file

    return Source(path, len(content), open_file, lambda: list(siblings), wanted)


def show(path: str, body: bytes | str, **wanted: str):
    return viewers.show(source(path, body, **wanted))


def template(path: str, body: bytes | str, **wanted: str) -> str:
    return show(path, body, **wanted).template.rpartition("/")[2].removesuffix(".html")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("a.py", "x = 1\n", "code"),
        ("a.txt", "", "code"),
        ("noname", "words", "code"),
        ("latin.txt", "Köln".encode("latin-1"), "code"),
        ("wide.txt", "Köln".encode("utf-16"), "code"),
        ("a.bin", b"\x00\x01", "bytes"),
        ("a.txt", b"\xff\xfa\x01\x02", "bytes"),
        ("a.csv", "a,b\n1,2\n", "grid"),
        ("a.csv", b"\x00\x01\x02", "bytes"),
        ("a.json", '{"b": 1}', "outline"),
        ("a.json", '{"b": ', "code"),
        ("a.json", '{"columns": ["a"], "data": [[1], [2]]}', "grid"),
        ("a.json", '[{"a": 1}, {"a": 2}]', "grid"),
        ("a.json", '[{"a": {"b": 1}}]', "outline"),
        ("a.json", '{"type": "Point", "coordinates": [8.5, 47.4]}', "map"),
        ("a.json", "[" * 100_000, "code"),
        ("a.json", '{"a": ' + "9" * 6000 + "}", "code"),
        ("a.geojson", '{"type": "FeatureCollection", "features": []}', "outline"),
        ("a.jsonl", '{"a": 1}\n{"b": 2}\n', "grid"),
        ("a.jsonl", "[1]\n", "code"),
        ("a.yaml", "a: [1, 2]", "outline"),
        ("a.yaml", "a: &x [1]\nb: *x", "code"),
        ("a.yaml", "!!python/object/apply:os.system ['true']", "code"),
        ("a.md", "# Title", "markdown"),
        ("a.ipynb", '{"nbformat": 4, "cells": []}', "notebook"),
        ("a.ipynb", '{"nbformat": 3}', "code"),
        ("a.html", "<b>", "page"),
        ("a.png", PNG, "picture"),
        ("a.svg", "<svg/>", "picture"),
        ("a.tiff", "no picture", "bytes"),
        ("a.mp4", b"x", "film"),
        ("a.wav", b"x", "sound"),
        ("a.pdf", b"%PDF-1.7", "pdf"),
        ("a.pdf", b"<script>", "bytes"),
        ("a.parquet", b"PAR1 and nothing more", "bytes"),
        ("a.pkl", b"\x80\x04.", "runs_code"),
        ("model.SKOPS", b"PK", "runs_code"),
    ],
)
def test_a_file_is_known_by_its_name_and_what_is_in_it(path, body, expected):
    assert template(path, body) == expected


@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "a.skops", "a.npy"])
def test_what_runs_code_is_not_even_read(name):
    def refuse():
        raise AssertionError("opened")

    viewers.show(Source(name, 10, refuse))


@given(
    st.binary(max_size=600),
    st.sampled_from([".json", ".csv", ".yaml", ".ipynb", ".geojson", ".md", ".txt", ".png", ".jsonl"]),
)
def test_any_bytes_under_any_name_are_shown_as_something(body, ending):
    assert show(f"a{ending}", body).template


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    )
)
def test_any_json_is_shown_as_something(content):
    for ending in (".json", ".geojson", ".ipynb"):
        assert show(f"a{ending}", json.dumps(content)).template


def test_code_is_coloured_and_its_markup_stays_text():
    lines = show("a.py", 'import os\nx = "<script>"  # & so on\n').view.lines
    assert lines[0] == '<span class="k">import</span> os'
    assert "&lt;script&gt;" in lines[1]
    assert '<span class="c"># &amp; so on</span>' in lines[1]
    assert len(lines) == 2


@given(st.text(max_size=300))
def test_coloured_lines_are_the_texts_lines(text):
    from html import unescape

    from django.utils.html import strip_tags

    body = text.replace("\r", "").replace("<", "").replace("&", "")
    lines = show("a.py", body).view.lines if template("a.py", body) == "code" else ()
    if lines:
        assert "\n".join(unescape(strip_tags(line)) for line in lines) == body.removesuffix("\n").removeprefix("\ufeff")


def test_a_long_text_comes_in_parts_that_miss_nothing():
    text = "".join(f"line {n} ü\n" for n in range(100_000))
    first = show("a.log", text).view
    assert not first.is_whole
    assert first.following == PART_BYTES
    seen, at = "", 0
    while at is not None:
        part = show("a.log", text, **{"from": str(at)}).view
        seen += "\n".join(part.lines)
        at = part.following
    assert len(seen) > len(text) * 0.999
    assert show("a.log", text, **{"from": str(first.last)}).view.lines[-1].rstrip().endswith("line 99999 ü")


@pytest.mark.parametrize("asked", ["-1", "9" * 30, "x", "1e9", "٣"])
def test_a_place_that_is_none_is_the_beginning_or_the_end(asked):
    assert show("a.txt", "words", **{"from": asked, "page": asked}).view.lines == ("words",)
    assert show("a.csv", "a\n1\n", page=asked, sort=asked).view.rows == (("1",),)


def test_a_csv_has_types_pages_and_an_order():
    body = "n,name,x\n" + "".join(f"{n},row {n},{math.sin(n)}\n" for n in range(250)) + "250,,\n"
    grid = show("a.csv", body).view
    assert [(head.type, head.is_number) for head in grid.heads] == [
        ("integer", True),
        ("text", False),
        ("number", True),
    ]
    assert (grid.total, grid.first, grid.last, grid.following) == (251, 1, PAGE_ROWS, "1")
    downward = show("a.csv", body, sort="-0", page="2").view
    assert [downward.rows[0][0], downward.rows[-1][0]] == ["50", "0"]
    assert downward.heads[0].order == "descending"
    assert downward.heads[0].sort == "0"
    assert show("a.csv", body, sort="2", page="2").view.rows[-1] == ("250", "", "")
    assert show("a.csv", body, sort="-2").view.rows[0] != ("250", "", "")


def test_a_csv_is_cut_where_a_page_would_not_hold_it():
    wide = ",".join(f"c{n}" for n in range(500))
    grid = show("a.csv", f"{wide}\n{wide}\n").view
    assert (len(grid.heads), grid.all_columns) == (60, 500)
    long = "n\n" + "123456789\n" * 600_000
    grid = show("a.csv", long).view
    assert grid.is_cut
    assert grid.total == 50_000


def test_a_formula_is_text_and_a_semicolon_parts_too():
    grid = show("a.csv", 'name;sum\n"=HYPERLINK(""http://x"")";2\n').view
    assert grid.rows == (('=HYPERLINK("http://x")', "2"),)


def test_lines_of_json_have_a_column_for_each_name():
    grid = show("a.jsonl", '{"a": 1}\n{"b": [2], "a": null}\n').view
    assert [head.name for head in grid.heads] == ["a", "b"]
    assert grid.rows == (("1", ""), ("", "[2]"))


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    table = pyarrow.table({"n": list(range(1000)), "odd.name": [None if n % 7 == 0 else f"r{n}" for n in range(1000)]})
    parquet.write_table(table, path, row_group_size=130)
    return lambda **wanted: viewers.show(
        Source("a.parquet", path.stat().st_size, lambda: path.open("rb"), list, wanted)
    )


def test_a_parquet_file_has_types_pages_and_an_order(parquet):
    grid = parquet().view
    assert [(head.name, head.type, head.is_number) for head in grid.heads] == [
        ("n", "int64", True),
        ("odd.name", "string", False),
    ]
    assert (grid.total, grid.rows[0], grid.rows[1]) == (1000, ("0", ""), ("1", "r1"))
    assert parquet(page="9").view.rows[-1][0] == "999"
    assert parquet(page="99999").view.rows[-1][0] == "999"
    assert parquet(sort="-0").view.rows[0][0] == "999"
    assert parquet(sort="1").view.rows[0][1] == "r1"


def test_parquet_is_read_outside_the_web_process(parquet, monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("pyarrow")]:
        monkeypatch.delitem(sys.modules, name)
    assert parquet().view.total == 1000
    assert "pyarrow" not in sys.modules


def test_markdown_runs_nothing_and_fetches_nothing():
    made = markdown.render(
        "# Hi\n<script>alert(1)</script>\n[x](javascript:alert(1)) ![p](http://elsewhere/p.png) **b**"
    )
    assert "<script" not in made
    assert 'href="javascript' not in made
    assert "<img" not in made
    assert "<strong>b</strong>" in made


def test_a_notebook_shows_its_cells_and_what_they_put_out():
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "<b onclick=x>"]},
        {
            "cell_type": "code",
            "source": "print(1)",
            "execution_count": 3,
            "outputs": [
                {"output_type": "stream", "text": ["\x1b[31mred\x1b[0m\n"]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": base64.b64encode(PNG).decode(), "text/plain": "x"},
                },
                {"output_type": "execute_result", "data": {"text/html": "<table>", "text/plain": "y"}},
                {"output_type": "display_data", "data": {"image/png": '"><script>', "text/plain": "fallback"}},
                {"output_type": "error", "traceback": ["Boom", 7]},
            ],
        },
    ]
    book = show(
        "a.ipynb", json.dumps({"nbformat": 4, "cells": cells, "metadata": {"kernelspec": {"language": "python"}}})
    ).view
    prose, code = book.cells
    assert "<h3>Title</h3>" in prose.prose
    assert "<b" not in prose.prose
    assert code.number == "3"
    assert "".join(code.lines) == 'print(<span class="n">1</span>)'
    assert [(one.kind, one.text[:15]) for one in code.outputs] == [
        ("text", "red\n"),
        ("picture", "data:image/png;"),
        ("page", "<table>"),
        ("text", "fallback"),
        ("error", "Boom"),
    ]


def test_a_map_has_north_up_and_all_kinds_of_features():
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [0, 10]}, "properties": {"name": "north"}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [10, 0]}, "properties": None},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 0]]]}},
        {
            "type": "Feature",
            "geometry": {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[2, 2], [3, 3]]]},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": ["x", 1e400]}},
    ]
    drawn = show("a.geojson", json.dumps({"type": "FeatureCollection", "features": features})).view
    north, south, area, lines, _bad = drawn.shapes
    assert float(north.points[0][1]) < float(south.points[0][1])
    assert float(north.points[0][0]) < float(south.points[0][0])
    assert area.is_area
    assert lines.path.count("M") == 2
    assert (drawn.west, drawn.south, drawn.east, drawn.north) == (0, 0, 10, 10)


def test_a_picture_knows_its_neighbours_and_its_size():
    siblings = [Entry(f"plots/{name}", False, 1) for name in ("a.png", "b.png", "c.svg", "notes.txt")]
    shown = viewers.show(source("plots/b.png", PNG, siblings)).view
    assert (shown.width, shown.height, shown.number, shown.total) == (1, 1, 2, 3)
    assert shown.previous.path == "plots/a.png"
    assert shown.following.path == "plots/c.svg"


@pytest.mark.parametrize("mark", ["+", "%"])
def test_pictures_of_a_series_stand_in_the_order_of_their_steps(mark):
    def name(step: int, ending: str = ".png") -> str:
        return f"images/dog~a{mark}step{mark}{step}{mark}timestamp{mark}1700{mark}0a-{step}{ending}"

    siblings = [
        Entry(name(step, ending), False, 1) for step in (10, 9, 2) for ending in (".png", f"{mark}compressed.webp")
    ]
    shown = viewers.show(source(name(9), PNG, siblings)).view
    assert (shown.frame.key, shown.frame.step, shown.total) == ("dog/a", 9, 3)
    assert [one.step for one in shown.steps] == [2, 9, 10]
    assert (shown.previous.step, shown.following.step) == (2, 10)


def test_a_small_file_of_a_huge_picture_is_not_drawn():
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x06\x00\x00\x00"
    import zlib

    bomb = (
        header
        + zlib.crc32(header[12:]).to_bytes(4, "big")
        + b"\x00\x00\x00\x00IDAT"
        + zlib.crc32(b"IDAT").to_bytes(4, "big")
    )
    assert viewers.show(source("a.png", bomb)).view.is_huge


def test_an_outline_is_cut_and_folded():
    branch = show("a.json", json.dumps({"many": [[n] for n in range(5000)], "deep": 1})).view
    many = branch.branches[0]
    assert not many.is_open
    assert len(many.branches) < 3000
    assert "more" in many.branches[-1].note


def test_a_reader_may_look_at_the_text_of_what_is_drawn():
    shown = show("a.svg", "<svg/>", view="text")
    assert shown.template.endswith("code.html")
    assert [(one.name, one.is_chosen) for one in shown.offers] == [("picture", False), ("text", True)]
    assert [one.name for one in show("a.json", '{"a": 1}', view="text").offers] == ["outline", "text"]
    assert show("a.pkl", b"x", view="text").template.endswith("runs_code.html")
