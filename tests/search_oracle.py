"""What a filter and an order mean, in plain Python: the measure of the SQL; and random runs and filters."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import strategies as st

from lib.search.tree import Ago, And, Field, Not, Or, OrderTerm, Term

NOW_MS = 10_000_000_000
NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?\s*", re.ASCII)
KEYS = ["a", "b c", "val/loss", "mlflow.x"]
NUMBERS = [-1.0, 0.0, 0.5, 1.0, 2.5, 1e9, math.nan, math.inf, -math.inf]
TEXTS = ["", "x", "X", "xy", "0.5", " 1 ", "1e0", "10", "it's", "a%b", "a_b", 'say "so"', "back\\slash", "1e9999"]
PATTERNS = ["%", "x%", "%Y", "_", "a%b", "a\\%b", "%'%", "X", "_x"]
STATUSES = ["RUNNING", "FINISHED", "FAILED"]
TIMES = [NOW_MS - days * 86_400_000 for days in range(12)]


@dataclass
class Facts:
    """All that a filter may ask of a run."""

    run_id: str
    run_name: str
    status: str
    user_id: str
    artifact_uri: str
    start_time: int
    end_time: int | None
    experiment_id: int
    experiment_name: str
    series: dict[str, list[float]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)

    def values(self, wanted: Field) -> list[object]:
        """Everything that stands under the field: none, one or (datasets) several."""
        if wanted.kind == "dataset":
            return [one[wanted.key] for one in self.datasets if wanted.key in one]
        if wanted.kind == "attribute":
            found = getattr(self, wanted.key)
        elif wanted.kind == "metric":
            found = of_series(self.series.get(wanted.key, []), wanted.of)
        else:
            found = (self.params if wanted.kind == "param" else self.tags).get(wanted.key)
        return [] if found is None else [found]


def of_series(values, of):
    if of == "last":
        return values[-1] if values else None
    numbers = [value for value in values if not math.isnan(value)]
    return (min if of == "min" else max)(numbers, default=None)


def matches(facts: Facts, node) -> bool:
    match node:
        case And(parts):
            return all(matches(facts, part) for part in parts)
        case Or(parts):
            return any(matches(facts, part) for part in parts)
        case Not(part):
            return not matches(facts, part)
        case Term(wanted, "IS NULL", _):
            return not facts.values(wanted)
        case Term(wanted, "IS NOT NULL", _):
            return bool(facts.values(wanted))
        case Term(wanted, operator, value):
            return any(holds(found, operator, value) for found in facts.values(wanted))


def holds(found, operator, value) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    given = [NOW_MS - one.ms if isinstance(one, Ago) else one for one in values]
    if isinstance(given[0], Decimal):
        return NUMBER.fullmatch(found) is not None and compared(Decimal(found.strip()), operator, given)
    return compared(found, operator, given)


def compared(found, operator, given) -> bool:
    if operator.startswith("NOT "):
        return not compared(found, operator.removeprefix("NOT "), given)
    match operator:
        case "IN":
            return found in given
        case "BETWEEN":
            return given[0] <= found <= given[1]
        case "LIKE" | "ILIKE":
            return like(found, given[0], operator == "ILIKE")
        case "=":
            return found == given[0]
        case "!=":
            return found != given[0]
        case "<":
            return found < given[0]
        case "<=":
            return found <= given[0]
        case ">":
            return found > given[0]
        case ">=":
            return found >= given[0]
    raise AssertionError(operator)


def like(text, pattern, ignores_case):
    translated = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(translated, text, re.DOTALL | (re.IGNORECASE if ignores_case else 0)) is not None


def sort_key(facts: Facts, terms: list[OrderTerm]):
    key = []
    for term in [*terms, OrderTerm(Field("attribute", "start_time"), True), OrderTerm(Field("attribute", "run_id"))]:
        found = facts.values(term.field)
        value = found[0] if found else None
        is_nan = isinstance(value, float) and math.isnan(value)
        rank = 2 if value is None else 1 if is_nan else 0
        key.append((rank, Reversed(value) if term.is_descending and rank == 0 else value if rank == 0 else 0))
    return key


@dataclass
class Reversed:
    value: object

    def __lt__(self, other):
        return other.value < self.value


# ---- Random runs ----------------------------------------------------------------------------------------------------


def random_facts(seed: int, experiments: list[tuple[int, str]], count: int = 60) -> list[Facts]:
    chance = random.Random(seed)
    return [one_random(chance, number, experiments) for number in range(count)]


def one_random(chance: random.Random, number: int, experiments) -> Facts:
    experiment_id, experiment_name = chance.choice(experiments)
    run_id = f"{chance.getrandbits(64):016x}{number:016x}"
    return Facts(
        run_id=run_id,
        run_name=chance.choice(TEXTS),
        status=chance.choice(STATUSES),
        user_id=chance.choice(TEXTS),
        artifact_uri=f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts",
        start_time=chance.choice(TIMES),
        end_time=chance.choice([None, *TIMES]),
        experiment_id=experiment_id,
        experiment_name=experiment_name,
        series={key: chance.choices(NUMBERS, k=chance.randint(1, 3)) for key in some(chance, KEYS)},
        params={key: chance.choice(TEXTS) for key in some(chance, KEYS)},
        tags={key: chance.choice(TEXTS) for key in some(chance, KEYS)},
        datasets=[random_dataset(chance, place) for place in range(chance.choice([0, 0, 1, 2]))],
    )


def some(chance: random.Random, keys: list[str]) -> list[str]:
    return [key for key in keys if chance.random() < 0.6]


def random_dataset(chance: random.Random, place: int) -> dict[str, str]:
    found = {"name": chance.choice(TEXTS), "digest": f"{place}{chance.choice('xyz')}"}
    return found if chance.random() < 0.3 else {**found, "context": chance.choice(["training", "validation"])}


# ---- Random filters, as text and as the tree that the text means ----------------------------------------------------


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def written_field(wanted: Field) -> str:
    if wanted.kind == "attribute":
        return wanted.key
    name = (
        f"{ {'metric': 'metrics', 'param': 'params', 'tag': 'tags', 'dataset': 'dataset'}[wanted.kind] }.`{wanted.key}`"
    )
    return name if wanted.of == "last" else f"{wanted.of}({name})"


def written(node, *, top: bool = True) -> str:
    match node:
        case Term(wanted, operator, None):
            return f"{written_field(wanted)} {operator}"
        case Term(wanted, ("IN" | "NOT IN") as operator, value):
            return f"{written_field(wanted)} {operator} ({', '.join(map(written_value, value))})"
        case Term(wanted, ("BETWEEN" | "NOT BETWEEN") as operator, (low, high)):
            return f"{written_field(wanted)} {operator} {written_value(low)} AND {written_value(high)}"
        case Term(wanted, operator, value):
            return f"{written_field(wanted)} {operator} {written_value(value)}"
        case Not(part):
            return f"NOT {written(part, top=False)}"
        case And(parts):
            inside = " AND ".join(written(part, top=False) for part in parts)
        case Or(parts):
            inside = " OR ".join(written(part, top=False) for part in parts)
    return inside if top else f"({inside})"


def written_value(value) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Ago):
        return f"-{value.ms // 1000}s"
    return {"inf": "1e999", "-inf": "-1e999"}.get(str(value), str(value))


number_values = st.sampled_from([one for one in NUMBERS if not math.isnan(one)])
text_values = st.sampled_from(TEXTS)
exact_values = st.sampled_from([Decimal("0.5"), Decimal("1"), Decimal("10"), Decimal("-3e2")])
time_values = st.one_of(st.sampled_from(TIMES), st.integers(0, 12).map(lambda days: Ago(days * 86_400_000)))

keys = st.sampled_from([*KEYS, "absent"])
metrics = st.builds(Field, st.just("metric"), keys, st.sampled_from(["last", "last", "min", "max"]))
labels = st.builds(Field, st.sampled_from(["param", "tag"]), keys)
names = st.sampled_from([Field("attribute", key) for key in ("run_name", "status", "user_id", "experiment_name")])
times = st.sampled_from([Field("attribute", "start_time"), Field("attribute", "end_time")])
datasets = st.sampled_from([Field("dataset", key) for key in ("name", "digest", "context")])


def sized(fields, values, signs=("=", "!=", "<", "<=", ">", ">=")):
    return st.one_of(
        st.builds(Term, fields, st.sampled_from(signs), values),
        st.builds(Term, fields, st.sampled_from(["BETWEEN", "NOT BETWEEN"]), st.tuples(values, values)),
        st.builds(Term, fields, st.sampled_from(["IN", "NOT IN"]), st.lists(values, min_size=1, max_size=4).map(tuple)),
        st.builds(Term, fields, st.sampled_from(["IS NULL", "IS NOT NULL"]), st.none()),
    )


def worded(fields, values):
    return st.one_of(
        st.builds(Term, fields, st.sampled_from(["=", "!="]), values),
        st.builds(Term, fields, st.sampled_from(["LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"]), st.sampled_from(PATTERNS)),
        st.builds(Term, fields, st.sampled_from(["IN", "NOT IN"]), st.lists(values, min_size=1, max_size=4).map(tuple)),
        st.builds(Term, fields, st.sampled_from(["IS NULL", "IS NOT NULL"]), st.none()),
    )


term_trees = st.one_of(
    sized(metrics, number_values),
    sized(labels, exact_values),
    sized(times, time_values),
    worded(labels, text_values),
    worded(names, st.sampled_from([*TEXTS, *STATUSES, "search one"])),
    worded(datasets, st.sampled_from([*TEXTS, "0x", "1y", "training", "validation"])),
)
trees = st.recursive(
    term_trees,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)
order_terms = st.lists(
    st.builds(OrderTerm, st.one_of(metrics, labels, names, times), st.booleans()),
    max_size=3,
    unique_by=lambda term: term.field,
)
