"""Golden plans for questions as people phrase them, and the round trip of expressions through words."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.algebra import conj, disj, neg
from agents.dates import read_date, say_span
from agents.nouns import COMPOUND_PHRASES, plural_phrase, singular_phrase
from agents.plan import EXAMPLES, parse_expr, parser, plan
from agents.tokens import tokens
from agents.words import describe_expr
from thresher.types import And, Aspect, Expr, Kind, Like, Not, Or, Plan, Predicate, Says, Where

GOLD = tomllib.loads(Path(__file__).with_name("phrasings.toml").read_text("utf-8"))


def day(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


NAMES: dict[str, Any] = {
    "p": Predicate,
    "both": lambda *parts: And(parts),
    "either": lambda *parts: Or(parts),
    "no": Not,
    "tag": lambda name: Where(tag=name),
    "says": Says,
    "like": lambda name, aspect="whole", change="": Like(name, Aspect(aspect), change),
    "time": lambda after, before: Where(after=day(after), before=day(before)),
}


def gold(entry: dict[str, Any], name: str) -> Expr | None:
    return eval(entry.get(name, "None"), {"__builtins__": {}}, NAMES)  # our own file


@pytest.mark.parametrize("entry", GOLD["phrasing"], ids=lambda entry: entry["ask"])
def test_phrasing(entry: dict[str, Any]) -> None:
    want = Plan(
        Kind(entry["kind"]), gold(entry, "target"), gold(entry, "condition"), gold(entry, "other"),
        entry.get("comparison", ""), one=entry.get("one", False),
    )  # fmt: skip
    assert plan(entry["ask"]) == want


@pytest.mark.parametrize("question", GOLD["declined"])
def test_declined(question: str) -> None:
    assert plan(question) is None


def test_there_are_enough() -> None:
    assert len(GOLD["phrasing"]) >= 80
    assert len(GOLD["declined"]) >= 15
    assert {entry["kind"] for entry in GOLD["phrasing"]} == {kind.value for kind in Kind}


def test_demo_questions_are_all_read() -> None:
    demo = tomllib.loads((Path(__file__).parents[2] / "evaluation/data/demo.toml").read_text("utf-8"))
    for entry in demo["question"]:
        assert plan(entry["ask"]) is not None, entry["ask"]


def test_examples_work() -> None:
    assert all(plan(example) for example in EXAMPLES)


@pytest.mark.parametrize("entry", GOLD["phrasing"], ids=lambda entry: entry["ask"])
def test_grammar_is_unambiguous(entry: dict[str, str]) -> None:
    tree = parser("explicit").parse(tokens(entry["ask"]), start="start")
    assert not list(tree.find_data("_ambig"))


@pytest.mark.parametrize(
    "question",
    [
        "HOW MANY PHOTOS SHOW A DOG",
        "hey, could you please tell me how many photos show a dog?!",
        "  how   many photos\nshow a dog ? ",
        "How many photographs contain dogs",
        "how many pics have a dog in them, please",
        "How many images are there with a dog?",
    ],
)
def test_same_question(question: str) -> None:
    assert plan(question) == Plan(Kind.COUNT, Predicate("dog"))


def test_lexicon_keeps_a_phrase_whole() -> None:
    assert plan("photos of a silver fern") == Plan(Kind.FIND, Predicate("fern", attribute="silver"))
    assert plan("photos of silver ferns", {"silver fern"}) == Plan(Kind.FIND, Predicate("silver fern"))


def test_a_taught_name_is_a_thing() -> None:
    mascot = Like("our mascot", exemplar=True)
    assert plan("How many photos show our mascot?", taught=["our mascot"]) == Plan(Kind.COUNT, mascot)
    assert plan("photos of the mascot and a dog", taught=["our mascot"]) == Plan(
        Kind.FIND, And((mascot, Predicate("dog")))
    )
    assert plan("How many photos show our mascot?") == Plan(Kind.COUNT, Predicate("mascot"))


NOUNS = ("dog", "person", "bus", "sofa", "fire hydrant", "scissors", "sheep", "box", "berry", "hot dog", "tie")
predicates = st.builds(
    Predicate,
    st.sampled_from(NOUNS),
    st.sampled_from(("", "red", "small brown", "many", "sleeping")),
).flatmap(
    lambda p: st.one_of(
        st.just(p),
        st.sampled_from(("on", "next to", "in front of", "chasing", "holding")).flatmap(
            lambda relation: st.sampled_from(NOUNS).map(lambda o: Predicate(p.noun, p.attribute, relation, o))
        ),
        st.integers(2, 15).map(lambda n: Predicate(p.noun, "" if p.attribute == "many" else p.attribute, "", "", n)),
    )
)
days = st.integers(0, 9000).map(lambda n: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=n))
wheres = st.one_of(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,12}[A-Za-z0-9]", fullmatch=True)
    .filter(lambda tag: "  " not in tag)
    .map(lambda tag: Where(tag=tag)),
    st.tuples(days, st.integers(1, 800)).map(lambda t: Where(after=t[0], before=t[0] + timedelta(days=t[1]))),
    days.map(lambda d: Where(after=d)),
    days.map(lambda d: Where(before=d)),
)
exprs: st.SearchStrategy[Expr] = st.recursive(
    st.one_of(predicates, predicates, wheres),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(conj),
        st.lists(inner, min_size=2, max_size=3).map(disj),
        inner.map(neg),
    ),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(exprs)
def test_expressions_read_back(expr: Expr) -> None:
    assert parse_expr(describe_expr(expr)) == expr


@settings(max_examples=50, deadline=None)
@given(days, st.integers(1, 4000))
def test_spans_read_back(start: datetime, length: int) -> None:
    words = f"photos taken {say_span(start, start + timedelta(days=length))}"
    assert plan(words) == Plan(Kind.FIND, Where(after=start, before=start + timedelta(days=length)))


def test_impossible_dates_are_no_dates() -> None:
    assert read_date("2020-13-01") is None
    assert plan("photos taken on 31 february 2020") is None


@pytest.mark.parametrize("noun", [*sorted(COMPOUND_PHRASES), "dog", "person", "box", "city", "knife", "day"])
def test_plurals_turn_back(noun: str) -> None:
    assert singular_phrase(plural_phrase(noun)) == noun


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_declined(text: str) -> None:
    plan(text)
