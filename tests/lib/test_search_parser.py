"""Filters and orders: what is read, what is refused and where, within what bounds; and the same as MLflow reads."""

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lib.mlflow  # noqa: F401  puts the bare parent before the import below
from lib.errors import InvalidValue
from lib.search import And, Field, Not, Or, OrderTerm, SearchError, Term, dialects, parse_filter, parse_order
from lib.search.tree import EVERYTHING, Ago, terms

from mlflow.exceptions import MlflowException  # isort: skip
from mlflow.utils.search_utils import SearchUtils  # isort: skip

LOSS, RATE = Field("metric", "loss"), Field("param", "rate")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", EVERYTHING),
        ("metrics.loss < 0.5", Term(LOSS, "<", 0.5)),
        ("metric.loss<.5", Term(LOSS, "<", 0.5)),
        ("`metrics`.`loss` >= -1e-3", Term(LOSS, ">=", -0.001)),
        ("metrics.val/loss = 1", Term(Field("metric", "val/loss"), "=", 1.0)),
        ("params.rate = 'it''s'", Term(RATE, "=", "it's")),
        ('params."the rate" like "a%"', Term(Field("param", "the rate"), "LIKE", "a%")),
        ("created > 5", Term(Field("attribute", "start_time"), ">", 5)),
        ("start_time > -7d", Term(Field("attribute", "start_time"), ">", Ago(604_800_000))),
        ("start_time < +1.5h", Term(Field("attribute", "start_time"), "<", Ago(-5_400_000))),
        ("end_time >= 2026-11-01", Term(Field("attribute", "end_time"), ">=", 1_793_491_200_000)),
        ("end_time >= '2026-11-01 01:00+01:00'", Term(Field("attribute", "end_time"), ">=", 1_793_491_200_000)),
        ("min(metrics.loss) is null", Term(Field("metric", "loss", "min"), "IS NULL", None)),
        ("last(metrics.loss) between 1 and 2", Term(LOSS, "BETWEEN", (1.0, 2.0))),
        ("status not in ('FAILED', 'KILLED')", Term(Field("attribute", "status"), "NOT IN", ("FAILED", "KILLED"))),
        ("experiment_id in (1, '2')", Term(Field("attribute", "experiment_id"), "IN", (1, 2))),
    ],
)
def test_what_is_read(text, tree):
    assert parse_filter(text, dialects.RUNS) == tree


def test_and_binds_more_than_or_and_brackets_most():
    a, b, c = (Term(Field("metric", key), ">", 0.0) for key in "abc")
    text = "metrics.a > 0 OR metrics.b > 0 AND NOT metrics.c > 0"
    assert parse_filter(text, dialects.RUNS) == Or((a, And((b, Not(c)))))
    text = "(metrics.a > 0 or metrics.b > 0) and not (metrics.c > 0)"
    assert parse_filter(text, dialects.RUNS) == And((Or((a, b)), Not(c)))


@pytest.mark.parametrize(
    ("text", "column", "expected", "found"),
    [
        ("metrics.loss > abc", 16, "a number", "“abc”"),
        ("metrics.loss > 'abc'", 16, "a number", "“'abc'”"),
        ("metrics.loss", 13, "one of =, !=", "the end"),
        ("metrics.loss == 1", 14, "one of =, !=", "“==”"),
        ("params.rate > 'a'", 15, "a number", "“'a'”"),
        ("params.rate = abc", 15, "a text in quotes", "“abc”"),
        ("params.rate = 'abc", 15, "a text in quotes", "a quote that is never closed"),
        ("metrics.a > 1 metrics.b > 1", 15, "AND, OR or the end", "“metrics.b”"),
        ("(metrics.a > 1", 15, "AND, OR or “)”", "the end"),
        ("metrics.a > 1)", 14, "AND, OR or the end", "“)”"),
        ("metric.a > 1 AND m.b > 1", 18, "one of metrics.", "“m.”"),
        ("accuracy > 1", 1, "one of metrics.…", "“accuracy”"),
        ("attributes.accuracy > 1", 12, "one of artifact_uri", "“accuracy”"),
        ("dataset.source = 'x'", 9, "one of name, digest, context", "“source”"),
        ("min(params.rate) > 1", 5, "a metric", "“params.rate”"),
        ("status = 5", 10, "a text in quotes", "“5”"),
        ("params.rate IN ()", 17, "a text in quotes", "“)”"),
        ("params.rate IN ('a' 'b')", 21, "“,” or “)”", "“'b'”"),
        ("start_time > 2026-13-01", 14, "a date", "“2026-13-01”"),
        ("start_time > -9999999w", 14, "a span", "“-9999999w”"),
        ("params.rate = 'a\x00'", 17, "text", "a character that is not text"),
        ("params.rate = '\ud800'", 16, "text", "a character that is not text"),
    ],
)
def test_an_error_names_the_column_and_what_was_expected_there(text, column, expected, found):
    with pytest.raises(SearchError) as caught:
        parse_filter(text, dialects.RUNS)
    error = caught.value
    assert (error.column, error.found) == (column, found)
    assert error.expected.startswith(expected)
    assert error.message == f"At column {column}: expected {error.expected}, found {found}."
    assert (error.status, error.code) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "text",
    [
        "metrics.a > 1 OR metrics.b > 1",
        "NOT metrics.a > 1",
        "(metrics.a > 1)",
        "metrics.a BETWEEN 1 AND 2",
        "metrics.a IN (1)",
        "metrics.a IS NULL",
        "min(metrics.a) > 1",
        "params.a IN ('x')",
        "params.a NOT LIKE 'x'",
        "params.a > 1",
        "status IN ('x')",
        "status IS NULL",
        "start_time > -7d",
        "start_time > 2026-11-01",
        "params.a/b = 'x'",
        "experiment_id = '1'",
    ],
)
def test_mlflows_dialect_refuses_what_the_studios_takes(text):
    parse_filter(text, dialects.RUNS)
    with pytest.raises(SearchError):
        parse_filter(text, dialects.MLFLOW_RUNS)
    with pytest.raises(MlflowException):
        for clause in SearchUtils.parse_search_filter(text):
            compared_by_mlflow(clause)


def compared_by_mlflow(clause):
    """Check the comparator, which MLflow's server does after its parser."""
    comparator = clause["comparator"].upper()
    checks = [SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag, SearchUtils.is_dataset]
    is_known = [check(clause["type"], comparator) for check in checks]
    return any(is_known) or SearchUtils.is_attribute(clause["type"], clause["key"], comparator)


# ---- The same as MLflow ---------------------------------------------------------------------------------------------

KINDS = ["metrics", "metric", "params", "param", "parameter", "tags", "tag", "dataset", "datasets"]
ATTRIBUTES = ["run_id", "run_name", "status", "user_id", "artifact_uri", "start_time", "end_time", "created", "Created"]
keys = st.sampled_from(
    ["a", "loss_1", "mlflow.user", "`a b`", '"a-b"', "'a/b'", "order", "null", "name", "digest", "context"]
)
fields = st.one_of(
    st.builds(lambda kind, key: f"{kind}.{key}", st.sampled_from(KINDS), keys),
    st.sampled_from(ATTRIBUTES),
    st.builds(
        lambda kind, key: f"{kind}.{key}",
        st.sampled_from(["attributes", "attr", "attribute", "run", "`run`"]),
        st.sampled_from([*ATTRIBUTES, "`Run name`", '"run name"', "`status`"]),
    ),
)
inside = st.text(st.sampled_from("ab%_ .;()\\=>é"), max_size=5)
strings = st.one_of(
    inside.map(lambda text: f"'{text.replace(chr(92), '')}'"),
    inside.map(lambda text: '"' + text.replace("\\", "") + '"'),
    st.sampled_from(["''", '""', "'it''s'", '"it\'s"', "'say \"so\"'"]),
)
numbers = st.sampled_from(["0", "1", "-1", "007", "1.5", "-.5", "5.", "1e3", "-1.5e-3", "1E9", "99999999999999999999"])
lists = st.lists(strings, min_size=1, max_size=3).map(lambda items: f"({', '.join(items)})")
signs = st.sampled_from(
    ["=", "!=", ">", ">=", "<", "<=", "LIKE", "like", "ILIKE", "IN", "NOT IN", "not  in", "==", "<>"]
)
spaces = st.sampled_from([" ", "  ", "\n", "\t"])
clauses = st.one_of(
    st.tuples(fields, signs, st.one_of(strings, numbers, lists, st.just("bare"))),
    st.tuples(fields, st.sampled_from(["IS", "is"]), st.sampled_from(["NULL", "NOT NULL", "null", "not null"])),
)
filters = st.builds(
    lambda parts, space, word: f"{space}{word}{space}".join(space.join(part) for part in parts),
    st.lists(clauses, min_size=1, max_size=4),
    spaces,
    st.sampled_from(["AND", "and"]),
)


def read_by_mlflow(text):
    found = []
    for clause in SearchUtils.parse_search_filter(text):
        compared_by_mlflow(clause)
        comparator = re.sub(r"\s+", " ", clause["comparator"].upper())
        kind = {"parameter": "param"}.get(clause["type"], clause["type"])
        key = SearchUtils.translate_key_alias(clause["key"]) if kind == "attribute" else clause["key"]
        value = float(clause["value"]) if kind == "metric" else clause["value"]
        if isinstance(value, tuple) != (comparator in ("IN", "NOT IN")):
            raise MlflowException("MLflow's server fails on this later on")
        found.append((kind, key, comparator, value))
    return found


@settings(max_examples=1500, deadline=None)
@given(filters)
def test_what_mlflow_reads_is_read_alike_and_what_it_refuses_is_refused(text):
    try:
        wanted = read_by_mlflow(text)
    except MlflowException:
        wanted = None
    try:
        tree = parse_filter(text, dialects.MLFLOW_RUNS)
        found = [(one.field.kind, one.field.key, one.operator, one.value) for one in terms(tree)]
    except SearchError:
        found = None
    if re.search(r"\([^)]*it''s", text):
        return  # Python's own reading of 'it''s' inside a list, by accident of MLflow's parser
    assert found == wanted


@pytest.mark.parametrize("text", ["metrics.a > 1 metrics.b > 1", "metrics.a > 1 AND", "AND metrics.a > 1", "AND"])
def test_an_and_too_many_or_too_few_is_refused_where_mlflow_would_lose_it(text):
    assert SearchUtils.parse_search_filter(text) is not None
    with pytest.raises(SearchError):
        parse_filter(text, dialects.MLFLOW_RUNS)


@settings(max_examples=300, deadline=None)
@given(fields, st.sampled_from(["", " ASC", " DESC", " desc", "  asc", " up", " ASC ASC"]))
def test_orders_are_read_as_mlflow_reads_them(field, way):
    try:
        kind, key, is_ascending = SearchUtils.parse_order_by_for_search_runs(field + way)
    except MlflowException:
        return
    if kind == "dataset":
        return  # MLflow reads it, and fails when it sorts
    kind = {"parameter": "param"}.get(kind, kind)
    key = SearchUtils.translate_key_alias(key) if kind == "attribute" else key
    assert parse_order([field + way], dialects.MLFLOW_RUNS) == [OrderTerm(Field(kind, key), not is_ascending)]


# ---- Bounds ---------------------------------------------------------------------------------------------------------

WORDS = [
    "metrics.a", "params.`a b`", "tags.x", "status", "start_time", "min", "(", ")", ",", "AND", "OR", "NOT", "IN", "IS",
    "NULL", "BETWEEN", "LIKE", "=", ">", "'x'", '"', "'", "`", "1", "-7d", "2026-11-01", ".", "\\", "é", " ", "\n",
    "1e", "%", "--", ";",
]  # fmt: skip


@settings(max_examples=1500, deadline=1000)
@given(
    st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)),
    st.sampled_from([dialects.RUNS, dialects.MLFLOW_RUNS, dialects.MLFLOW_MODELS, dialects.VERSIONS]),
)
def test_any_text_is_read_or_refused(text, dialect):
    for parse in (lambda: parse_filter(text, dialect), lambda: parse_order([text], dialect)):
        try:
            parse()
        except InvalidValue as error:
            assert 1 <= error.column <= len(text) + 1


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "NOT " * 5_000,
        "'" * 19_999,
        "`a." * 6_000,
        "a.`" * 6_000,
        "a.'" + "\\'" * 9_000,
        "'" + "\\" * 19_000,
        "1" * 19_999 + "x",
        "1." * 9_999 + "x",
        "1e" * 9_999,
        "metrics.a > " + "9" * 19_000,
        "start_time > -" + "9" * 19_000 + "d",
        "start_time > 2026-01-01T" + ":" * 19_000,
        "a" * 20_000,
        "." * 20_000,
        "metrics.a > 1 AND " * 1_100,
        "params.a IN (" + "1," * 9_000,
        "=" * 20_000,
        " " * 20_000,
        "x" * 20_001,
    ],
)
@pytest.mark.parametrize("dialect", [dialects.RUNS, dialects.MLFLOW_RUNS])
def test_hostile_texts_are_refused_soon(text, dialect):
    started = time.thread_time()
    with contextlib.suppress(InvalidValue):
        parse_filter(text, dialect)
    assert time.thread_time() - started < 2


def test_too_much_says_where():
    def column(text, dialect=dialects.RUNS):
        with pytest.raises(InvalidValue) as caught:
            parse_filter(text, dialect)
        return caught.value.column

    one = "metrics.a > 1"
    assert parse_filter(" AND ".join([one] * 200), dialects.RUNS)
    assert column(" AND ".join([one] * 201)) == 200 * len(f"{one} AND ") + 1
    assert parse_filter("(" * 40 + one + ")" * 40, dialects.RUNS)
    assert column("(" * 41 + one + ")" * 41) == 41
    assert column("x" * 20_001) == 20_000
    with pytest.raises(InvalidValue):
        parse_order(["start_time"] * 21, dialects.RUNS)


def test_an_order_takes_each_key_once():
    assert parse_order(["max(metrics.a)", "metrics.a desc"], dialects.RUNS) == [
        OrderTerm(Field("metric", "a", "max")),
        OrderTerm(Field("metric", "a"), is_descending=True),
    ]
    with pytest.raises(SearchError):
        parse_order(["metrics.a", "metric.`a` DESC"], dialects.RUNS)
    with pytest.raises(SearchError) as caught:
        parse_order(["metrics.a sideways"], dialects.RUNS)
    assert caught.value.column == 11
