"""MLflow's filters in SQL give what a plain reading of the filter gives."""

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import operations, queries
from experiments.metrics import Point
from experiments.models import Experiment
from experiments.queries import nesting
from lib.search import dialects, parse_filter
from lib.search.tree import terms
from workspaces import operations as rooms
from workspaces.access import Actor

pytestmark = pytest.mark.django_db

VALUES = ["a", "A", "ab", "a%", "a_b", "", "é"]
NUMBERS = [-1.5, 0.0, 1.0, 2.5, math.nan, math.inf]


@pytest.fixture
def runs(alice, workspace):
    """Twenty runs whose params, tags and metrics are drawn once, some lacking each key."""
    draw = random.Random(7)
    experiment = Experiment.objects.get(workspace=workspace)
    made = []
    for number in range(20):
        run = operations.create_run(
            alice, experiment, name=draw.choice(["x", "X", "xy"]) + str(number % 3), start_ms=1000 + number % 7
        )
        params = [(key, draw.choice(VALUES)) for key in ("p", "q") if draw.random() < 0.7]
        tags = [(key, draw.choice(VALUES)) for key in ("s", "t") if draw.random() < 0.7]
        points = [Point(key, draw.choice(NUMBERS), 1, 0) for key in ("m", "n") if draw.random() < 0.7]
        operations.log_batch(alice, run, params=params, tags=tags, metrics=points)
        if draw.random() < 0.5:
            operations.update_run(alice, run, status=draw.choice(["FINISHED", "FAILED"]), end_ms=2000 + number)
        made.append(run)
    return queries.run_details(made)


def like(text, pattern, flags=False):
    text, pattern = (text.lower(), pattern.lower()) if flags else (text, pattern)
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


def holds(comparator, found, value):
    """Compare as the protocol says; what is missing matches IS NULL alone."""
    if comparator in ("IS NULL", "IS NOT NULL"):
        return (found is None) == (comparator == "IS NULL")
    if found is None:
        return False
    return {
        "=": lambda: found == value,
        "!=": lambda: found != value,
        ">": lambda: found > value,
        ">=": lambda: found >= value,
        "<": lambda: found < value,
        "<=": lambda: found <= value,
        "LIKE": lambda: like(found, value),
        "ILIKE": lambda: like(found, value, True),
        "IN": lambda: found in value,
        "NOT IN": lambda: found not in value,
    }[comparator]()


def value_in(details, clause):
    if clause.kind == "metric":
        found = details.metrics.get(clause.key)
        return None if found is None else found.value
    if clause.kind == "param":
        return details.params.get(clause.key)
    if clause.kind == "tag":
        return details.tags.get(clause.key)
    attributes = {"run_name": "name", "start_time": "start_ms", "end_time": "end_ms", "run_id": "pk"}
    return getattr(details.run, attributes.get(clause.key, clause.key))


text_clause = st.builds(
    "{} {} '{}'".format,
    st.sampled_from(["params.p", "param.q", "tags.s", "tag.`t`", "attributes.run_name", "status"]),
    st.sampled_from(["=", "!=", "LIKE", "ilike"]),
    st.sampled_from([*VALUES, "%b", "_%", "x0", "FINISHED", "a\\%"]),
)
number_clause = st.builds(
    "{} {} {}".format,
    st.sampled_from(["metrics.m", "metric.n", "start_time", "attributes.end_time"]),
    st.sampled_from(["=", "!=", ">", ">=", "<", "<="]),
    st.sampled_from([0, 1, 2, 1003, 2010]),
)
null_clause = st.builds(
    "{} {}".format,
    st.sampled_from(["params.p", "tags.t", "tags.absent"]),
    st.sampled_from(["IS NULL", "is  not null"]),
)
filters = st.lists(st.one_of(text_clause, number_clause, null_clause), min_size=1, max_size=3).map(" AND ".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=filters)
def test_a_filter_finds_what_a_plain_reading_finds(runs, alice, workspace, text):
    clauses = list(terms(parse_filter(text, dialects.MLFLOW_RUNS)))
    wanted = {
        one.run.pk
        for one in runs
        if all(holds(each.operator, value_in(one, each.field), each.value) for each in clauses)
    }
    found = queries.search_runs(alice, workspace, None, text=text)
    assert {run.pk for run in found} == wanted


def test_run_ids_are_taken_as_a_list(runs, alice, workspace):
    some = [one.run.pk for one in runs[:3]]
    quoted = ", ".join(f"'{pk}'" for pk in some)
    assert {run.pk for run in queries.search_runs(alice, workspace, None, text=f"run_id IN ({quoted})")} == set(some)
    assert queries.search_runs(alice, workspace, None, text=f"run_id NOT IN ({quoted})").count() == 17


def test_what_lacks_a_metric_comes_last_both_ways_and_nan_before_it(runs, alice, workspace):
    for order in ("ASC", "DESC"):
        found = queries.search_runs(alice, workspace, None, order_by=[f"metrics.m {order}"])
        values = [one.metrics.get("m") for one in queries.run_details(list(found))]
        kinds = [2 if one is None else 1 if math.isnan(one.value) else 0 for one in values]
        numbers = [one.value for one in values if one is not None and not math.isnan(one.value)]
        assert kinds == sorted(kinds)
        assert numbers == sorted(numbers, reverse=order == "DESC")


def test_without_an_order_the_newest_come_first_and_ties_go_by_id(runs, alice, workspace):
    found = list(queries.search_runs(alice, workspace, None).values_list("start_ms", "pk"))
    assert found == sorted(found, key=lambda one: (-one[0], one[1]))
    ended = list(
        queries.search_runs(alice, workspace, None, order_by=["end_time DESC"]).values_list("end_ms", flat=True)
    )
    known = [one for one in ended if one is not None]
    assert ended == sorted(known, reverse=True) + [None] * (len(ended) - len(known))
    by_param = queries.search_runs(alice, workspace, None, order_by=["params.p ASC", "attributes.run_name DESC"])
    texts = [one.params.get("p") for one in queries.run_details(list(by_param))]
    assert texts == sorted(one for one in texts if one is not None) + [None] * texts.count(None)


@pytest.mark.parametrize(
    "text",
    ["tags.a = ''' OR 1=1 --'", "tags.a = '\"; DROP TABLE experiments_run; --'", "tags.a LIKE '%%%%%%%%%%%%%%%%b'"],
)
def test_sql_in_a_value_is_only_a_value(runs, alice, workspace, text):
    assert queries.search_runs(alice, workspace, None, text=text).count() == 0


def test_details_of_many_runs_take_as_many_queries_as_of_one(runs, alice, workspace, django_assert_num_queries):
    for some in (runs[:1], runs):
        with django_assert_num_queries(5):
            queries.run_details([one.run for one in some])


def test_the_default_experiment_is_called_0_in_filters(workspace):
    alice = Actor.system()
    workspace = rooms.create_workspace(alice, workspace.group, name="second")  # the first one's has the id 0 itself
    experiment = Experiment.objects.get(workspace=workspace)
    other = operations.create_experiment(alice, workspace, name="other")
    found = {
        text: [one.pk for one in queries.search_experiments(alice, workspace, text=text, order_by=["experiment_id"])]
        for text in ("experiment_id = '0'", "experiment_id IN ('0', '7777')", "experiment_id != '0'")
    }
    assert list(found.values()) == [[experiment.pk], [experiment.pk], [other.pk]]
    run = operations.create_run(alice, experiment)
    operations.create_run(alice, other)
    for text in ("experiment_id = '0'", f"experiment_id = '{experiment.pk}'", "NOT experiment_id NOT IN ('0')"):
        assert [one.pk for one in queries.search_runs(alice, workspace, None, text=text)] == [run.pk]


def test_case_is_ignored_beyond_ascii_too(alice, workspace):
    run = operations.create_run(alice, Experiment.objects.get(workspace=workspace), tags={"t": "Éß Ωmega"})
    for text in ("tags.t ILIKE 'éß ωMEGA'", "tags.t ILIKE 'É%'", "NOT tags.t LIKE 'é%' AND tags.t LIKE 'É%'"):
        assert [one.pk for one in queries.search_runs(alice, workspace, None, text=text)] == [run.pk]


def test_a_run_knows_its_children_and_they_their_parent(runs, alice, workspace):
    experiment = Experiment.objects.get(workspace=workspace)
    parent = runs[0].run
    child = operations.create_run(alice, experiment, tags={"mlflow.parentRunId": parent.pk})
    assert list(nesting.children(parent)) == [child]
    assert queries.run_overview(alice, parent).parent is None
    assert queries.run_overview(alice, child).parent == parent
