"""A search that takes too long ends, says so, and leaves nothing behind."""

import pytest
from django.db import connection
from django.db.models import FloatField, Func, Value

from experiments.models import Experiment
from lib.errors import InvalidValue
from lib.search.bounds import limited

pytestmark = pytest.mark.django_db


def slowly(seconds):
    sleep = Func(Value(seconds), function="pg_sleep", template="(%(function)s(%(expressions)s) IS NULL)::int::float")
    sleep.output_field = FloatField()
    return Experiment.objects.annotate(slept=sleep)


def timeout():
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return cursor.fetchone()[0]


def test_a_search_that_takes_too_long_is_refused(workspace):
    before = timeout()
    with pytest.raises(InvalidValue, match=r"longer than 0\.2 seconds"), limited(0.2):
        list(slowly(5))
    assert timeout() == before
    assert Experiment.objects.exists()


def test_a_search_in_time_is_answered_and_the_bound_ends_with_it(workspace):
    before = timeout()
    with limited(5):
        assert len(slowly(0.01)) == 1
        assert timeout() == "5s"
    assert timeout() == before


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_the_bound_travels_with_each_statement(workspace):
    before = timeout()
    with limited(5):
        assert timeout() == "5s"
        assert len(slowly(0.01)) == 1
    assert timeout() == before
    with pytest.raises(InvalidValue, match=r"longer than 0\.2 seconds"), limited(0.2):
        list(slowly(5))
    assert timeout() == before
    assert Experiment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_a_bounded_search_is_one_round_trip(workspace, django_assert_num_queries):
    with django_assert_num_queries(1), limited(5):
        assert Experiment.objects.filter(name__in=["none"]).count() == 0


def alone():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_parallel_workers_per_gather'), current_setting('jit')")
        return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
def test_a_search_starts_no_other_processes_and_no_compiler(workspace):
    before = alone()
    with limited(5):
        assert alone() == ("0", "off")
    assert alone() == before


def test_within_a_transaction_what_follows_may_start_them_again(workspace):
    before = alone()
    with limited(5):
        assert alone() == ("0", "off")
    assert alone() == before
