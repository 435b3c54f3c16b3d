"""The SQL of a search finds what a plain reading of the filter finds, in the same order."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments import metrics, search
from experiments.metrics import Point
from experiments.models import Dataset, Experiment, Run, RunDataset, RunParam, RunTag
from lib.search import dialects, narrowing, parse_filter, parse_order
from lib.search.ordering import read
from lib.search.tree import And, Field, OrderTerm, Term
from tests import search_oracle as oracle
from workspaces import operations
from workspaces.access import Actor

pytestmark = pytest.mark.django_db
LIMITS = 4  # statements that bound the time within a test's transaction
THOROUGH = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", params=[1, 2])
def everyone(request, django_db_setup, django_db_blocker):
    """Sixty random runs in two experiments, written once: each test's transaction lies within this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield populate(request.param)
        transaction.set_rollback(True)


@pytest.fixture
def population(everyone, db):
    return everyone


def populate(seed):
    group = operations.create_group(Actor.system(), name="search", subscription_id="0" * 8)
    workspace = operations.create_workspace(Actor.system(), group, name="search")
    made = [Experiment.objects.create(workspace=workspace, name=f"search {name}") for name in ("one", "two")]
    facts = oracle.random_facts(seed, [(one.pk, one.name) for one in made])
    for one in facts:
        store(workspace, one)
    return {one.run_id: one for one in facts}


def store(workspace, facts):
    run = Run.objects.create(
        pk=facts.run_id,
        workspace=workspace,
        experiment_id=facts.experiment_id,
        name=facts.run_name,
        status=facts.status,
        user_name=facts.user_id,
        start_ms=facts.start_time,
        end_ms=facts.end_time,
    )
    for key, values in facts.series.items():
        metrics.append(run.pk, [Point(key, value, 0, step) for step, value in enumerate(values)])
    RunParam.objects.bulk_create(RunParam(run=run, key=key, value=value) for key, value in facts.params.items())
    RunTag.objects.bulk_create(RunTag(run=run, key=key, value=value) for key, value in facts.tags.items())
    for one in facts.datasets:
        dataset, _made = Dataset.objects.get_or_create(
            experiment=run.experiment, name=one["name"], digest=one["digest"], source_type="x", source="x"
        )
        tags = {"mlflow.data.context": one["context"]} if "context" in one else {}
        RunDataset.objects.get_or_create(run=run, dataset=dataset, defaults={"tags": tags})


def found(node):
    return set(search.apply(Run.objects.all(), node, at_ms=oracle.NOW_MS).values_list("pk", flat=True))


@pytest.mark.parametrize("few", [3, 1000])
def test_sql_finds_what_the_oracle_finds(population, few, monkeypatch):
    monkeypatch.setattr(narrowing, "FEW", few)  # comparisons that more rows pass are left to the planner

    @settings(THOROUGH, max_examples=150)
    @given(oracle.trees)
    def check(tree):
        read = parse_filter(oracle.written(tree), dialects.RUNS)
        assert read == tree
        assert found(read) == {pk for pk, facts in population.items() if oracle.matches(facts, tree)}

    check()


def test_sql_orders_as_the_oracle_orders_and_pages_join_up(population):
    @settings(THOROUGH, max_examples=120)
    @given(oracle.order_terms, st.integers(1, 25))
    def check(terms, size):
        ordering = search.ordering(terms)
        rows = ordering.apply(Run.objects.all())
        wanted = sorted(population.values(), key=lambda facts: oracle.sort_key(facts, terms))
        assert [run.pk for run in rows] == [facts.run_id for facts in wanted]
        for start in (0, size, 2 * size):  # by the index on a metric where that fills the page
            part = [facts.run_id for facts in wanted[start : start + size]]
            assert [run.pk for run in read(rows, start, start + size)] == part
        paged = []
        page = list(rows[:size])
        while page:
            paged += [run.pk for run in page]
            page = list(ordering.after(rows, ordering.place(page[-1]))[:size])
        assert paged == [facts.run_id for facts in wanted]

    check()


def test_orders_are_read_and_missing_values_come_last(population):
    terms = parse_order(["min(metrics.a) DESC", "params.`b c`"], dialects.RUNS)
    assert terms == [OrderTerm(Field("metric", "a", "min"), True), OrderTerm(Field("param", "b c"))]
    rows = list(search.order(Run.objects.all(), terms).values_list("pk", flat=True))
    has = [bool(population[pk].values(Field("metric", "a", "min"))) for pk in rows]
    assert has == sorted(has, reverse=True)


def test_an_empty_filter_is_everything(population):
    assert len(found(parse_filter("  ", dialects.RUNS))) == 60


def test_values_are_bound(population):
    hostile = "'; DROP TABLE experiments_run; --"
    text = f"params.`{hostile}` = {oracle.quoted(hostile)} OR run_name LIKE {oracle.quoted('%s' + hostile)}"
    rows = search.apply(Run.objects.all(), parse_filter(text, dialects.RUNS))
    sql, params = rows.query.sql_with_params()
    assert "DROP" not in sql
    assert hostile in params
    assert list(rows) == []


def test_the_longest_filter_is_answered(population):
    parts = tuple(Term(Field("metric", f"a{number}"), ">", float(number)) for number in range(200))
    assert found(parse_filter(oracle.written(And(parts)), dialects.RUNS)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "start_time > 99999999999999999999999999",
        "start_time = 1.5",
        "metrics.a > 1e999",
        "params.a > 1e400",
        "params.a > -1e-400",
        "params.a = 'x%sx%%'",
        "run_id LIKE '%\\'",
        "start_time > -1000w",
        "experiment_id = '999999999999999999'",
        "params.a LIKE ''",
    ],
)
def test_odd_values_do_no_harm(population, text):
    found(parse_filter(text, dialects.RUNS))


def test_rare_values_are_looked_up_before_runs_are_walked(population, django_assert_num_queries):
    rare = parse_filter("params.a = 'no run has this' AND metrics.a > 0", dialects.RUNS)
    with django_assert_num_queries(1 + LIMITS):
        assert list(search.apply(Run.objects.all(), rare)) == []
    [sql] = [str(search.apply(Run.objects.all(), parse_filter("metrics.a > 0.6", dialects.RUNS)).query)]
    assert "EXISTS" not in sql and "= ANY" in sql
