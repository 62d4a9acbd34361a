"""Question -> Plan by grammar. What the grammar cannot read is declined (None): better than misread."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence
from functools import cache, partialmethod
from itertools import pairwise
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, VisitError
from lark.lexer import Lexer

from agents.algebra import conj, disj, neg, shown
from agents.nouns import ADJECTIVES, singular_phrase, split_attribute
from agents.tokens import WhereToken, tokens
from thresher.types import Expr, Kind, Like, Plan, Predicate, Says, Where

EXAMPLES = (
    "How many photos show a dog?",
    "Which photos show a person on a bench but no bicycle?",
    "For the photo with the cup, is there a spoon?",
)
"""Questions that work, for people whose question could not be read."""

_LONGEST_NOUN = 4


class Declined(Exception):
    """The words parse, their meaning does not fit a Plan."""


def plan(question: str, lexicon: Container[str] = (), taught: Collection[str] = ()) -> Plan | None:
    """The plan of a question, None where it cannot be read. `lexicon`: phrases that the encoder knows as one word;
    `taught`: names of exemplars."""
    result = _read(question, "start", lexicon, taught)
    return result if isinstance(result, Plan) else None


def parse_expr(text: str, lexicon: Container[str] = ()) -> Expr | None:
    """The inverse of `words.describe_expr`; None where the text is no expression."""
    result = _read(text, "expr", lexicon)
    return None if result is None or isinstance(result, Plan) else result


def _read(text: str, start: str, lexicon: Container[str], taught: Collection[str] = ()) -> Plan | Expr | None:
    stream = tokens(text, lexicon, taught)
    if not stream or any(token.type == "STOP" for token in stream):
        return None
    try:
        tree = parser().parse(stream, start=start)  # type: ignore[arg-type]
        result: Plan | Expr = _Reader(lexicon).transform(tree)
    except (LarkError, Declined) as error:
        if isinstance(error, VisitError) and not isinstance(error.orig_exc, Declined):
            raise
        return None
    return result


class _Given(Lexer):
    """tokens.py has done the work."""

    def __init__(self, conf: object) -> None: ...

    def lex(self, stream: Sequence[Token]) -> Iterator[Token]:  # type: ignore[override]
        yield from stream


@cache
def parser(ambiguity: str = "resolve") -> Lark:
    """Earley: the grammar needs more than one token of look-ahead, and questions are short (2 to 20 ms)."""
    grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="earley", lexer=_Given, start=["start", "expr"], ambiguity=ambiguity)


class _Open:
    """A negation that reaches on over "or": "no dogs or cats", after what it is joined to ("a man and no dogs or
    cats"). Closed once the disjunction around it is read."""

    def __init__(self, part: Expr, before: Sequence[Expr] = ()) -> None:
        self.part, self.before = part, tuple(before)

    def reach(self, further: Expr) -> _Open:
        return _Open(disj([self.part, further]), self.before)

    def closed(self) -> Expr:
        return conj([*self.before, neg(self.part)])


class _One:
    """What selects "the photo": one, and it is taken for granted that there is one."""

    def __init__(self, part: Expr) -> None:
        self.part = part


class _Post:
    def __init__(self, attribute: str = "", relation: str = "", object: str = "") -> None:
        self.attribute, self.relation, self.object = attribute, relation, object


class _Quantity:
    """How many in one photograph; a vague "many" is an attribute, which nothing here can check."""

    def __init__(self, count: int = 1, attribute: str = "") -> None:
        self.count, self.attribute = count, attribute


def _values(children: Sequence[Any]) -> list[Any]:
    return [_closed(child) for child in children if not isinstance(child, Token)]


def _closed(part: Any) -> Any:
    if isinstance(part, _One):
        return part.part
    return part.closed() if isinstance(part, _Open) else part


def _one(children: Sequence[Any]) -> bool:
    return any(isinstance(child, _One) for child in children)


class _Reader(Transformer[Token, Any]):
    """Parse tree -> Plan. Selections of photographs are `Expr | None` (None: all)."""

    def __init__(self, lexicon: Container[str]) -> None:
        super().__init__()
        self._lexicon = lexicon

    # --- nouns

    def head(self, children: list[Token]) -> str:
        words = " ".join(str(token) for token in children if token.type != "DET")
        if len(words.split()) > _LONGEST_NOUN:
            raise Declined(words)
        return words

    def np(self, children: list[Any]) -> Predicate:
        head = next(child for child in children if isinstance(child, str) and not isinstance(child, Token))
        quantity = next((child for child in children if isinstance(child, _Quantity)), _Quantity())
        post = next((child for child in children if isinstance(child, _Post)), _Post())
        attribute, noun = split_attribute(singular_phrase(head), self._lexicon)
        if noun in ADJECTIVES and noun not in ("orange", "glass", "stone", "brick", "leather", "adult"):
            raise Declined(noun)
        said = " ".join(part for part in (quantity.attribute, post.attribute, attribute) if part)
        return Predicate(noun, said, post.relation, post.object, quantity.count)

    plain = np

    def with_np(self, children: list[Any]) -> Expr:
        return conj(_values(children))

    def related(self, children: list[Any]) -> _Post:
        gerund = next((str(child) for child in children if getattr(child, "type", "") == "GERUND"), "")
        relation = next(str(child) for child in children if getattr(child, "type", "") in ("REL", "IN", "ON"))
        return _Post(gerund, relation, singular_phrase(children[-1]))

    def doing(self, children: list[Any]) -> _Post:
        gerund = next(str(child) for child in children if getattr(child, "type", "") == "GERUND")
        last = children[-1]
        return _Post(gerund) if isinstance(last, Token) else _Post("", gerund, singular_phrase(last))

    def being(self, children: list[Token]) -> _Post:
        if str(children[-1]) not in ADJECTIVES:
            raise Declined(str(children[-1]))
        return _Post(str(children[-1]))

    def at_least(self, children: list[Token]) -> _Quantity:
        return _Quantity(int(children[-1]))

    def more_than(self, children: list[Token]) -> _Quantity:
        return _Quantity(int(children[-1]) + 1)

    def many(self, _: list[Token]) -> _Quantity:
        return _Quantity(attribute="many")

    # --- expressions

    def when(self, children: list[WhereToken]) -> Where | Says | Like:
        return children[0].where

    tag = says = like = when

    def no_where(self, children: list[Any]) -> Expr:
        return neg(children[-1])

    def wheres(self, children: list[Any]) -> Expr:
        return conj(_values(children))

    def inside(self, children: list[Any]) -> Any:
        return _values(children)[0]

    def tight_not(self, children: list[Any]) -> Expr:
        return neg(_closed(children[-1]))

    def open_not(self, children: list[Any]) -> _Open:
        return _Open(children[-1])

    def neither(self, children: list[Any]) -> Expr:
        return conj([neg(part) for part in _values(children)])

    def neglist(self, children: list[Any]) -> Expr:
        return disj(_values(children))

    def excl(self, children: list[Any]) -> Expr:
        return neg(children[-1])

    def excl_nobody(self, _: list[Any]) -> Expr:
        return neg(Predicate("person"))

    def conj_many(self, children: list[Any]) -> Any:
        parts = [child for child in children if not isinstance(child, Token)]
        for before, after in pairwise(parts):
            if isinstance(before, _Open) and isinstance(after, Predicate):  # "no dogs and cats": and no cats?
                raise Declined("and")
        if isinstance(parts[-1], _Open):
            return _Open(parts[-1].part, [_closed(part) for part in parts[:-1]])
        return conj([_closed(part) for part in parts])

    def disj_many(self, children: list[Any]) -> Expr:
        parts: list[Any] = []
        for child in children:
            if isinstance(child, Token):
                continue
            last = parts[-1] if parts else None
            if isinstance(last, _Open) and isinstance(child, Predicate):
                parts[-1] = last.reach(child)
            else:
                parts.append(child)
        return disj([_closed(part) for part in parts])

    def expr(self, children: list[Any]) -> Expr:
        return conj(_values(children))

    # --- photographs

    def clauses(self, children: list[Any]) -> Expr:
        return conj(_values(children))

    def _selection(self, children: list[Any]) -> Expr | None:
        parts: list[Expr] = []
        for child in children:
            if isinstance(child, Token):
                parts += [child.where] if isinstance(child, WhereToken) else []
            elif isinstance(child, str):
                parts.append(self.np([child]))
            else:
                parts.append(_closed(child))
        return conj(parts) if parts else None

    sel_many = all_one = all_many = _selection

    def sel_one(self, children: list[Any]) -> Expr | _One | None:
        definite = any(isinstance(child, Token) and child in ("the", "this", "that") for child in children)
        selection = self._selection(children)
        return _One(selection) if definite and selection is not None else selection

    def side(self, children: list[Any]) -> Expr:
        part = _values(children)[0]
        return self.np([part]) if isinstance(part, str) else part

    # --- questions

    def start(self, children: list[Plan]) -> Plan:
        return children[0]

    def _simple(self, kind: Kind, children: list[Any]) -> Plan:
        """The photographs and what they show, in whatever order they are said."""
        parts = [part for part in _values(children) if part is not None]
        return Plan(kind, conj(parts) if parts else None, one=_one(children))

    def exists_things(self, children: list[Any]) -> Plan:
        plan = self._simple(Kind.EXISTS, children)
        if not shown(plan.target):
            raise Declined("are there no ...: a question about all photographs, which no kind answers")
        return plan

    def find_nobody(self, _: list[Any]) -> Plan:
        return Plan(Kind.FIND, neg(Predicate("person")))

    find = partialmethod(_simple, Kind.FIND)
    exists = partialmethod(_simple, Kind.EXISTS)
    count = partialmethod(_simple, Kind.COUNT)
    count_objects = partialmethod(_simple, Kind.COUNT_OBJECTS)
    which = partialmethod(_simple, Kind.WHICH)
    describe = partialmethod(_simple, Kind.DESCRIBE)

    def _two(self, kind: Kind, children: list[Any], back: bool = False) -> Plan:
        first, second = _values(children)
        target, condition = (second, first) if back else (first, second)
        return Plan(kind, target, condition, one=_one(children))

    two_hop = partialmethod(_two, Kind.EXISTS)
    two_hop_back = partialmethod(_two, Kind.EXISTS, back=True)
    any_of = partialmethod(_two, Kind.ANY)
    any_of_back = partialmethod(_two, Kind.ANY, back=True)
    all_of = partialmethod(_two, Kind.ALL)
    all_of_back = partialmethod(_two, Kind.ALL, back=True)

    def read(self, children: list[Any]) -> Plan:
        """What words are on, or in which photograph: the one is the condition, the other the target."""
        part = next(child for child in children if not isinstance(child, Token))
        if isinstance(part, Predicate):
            return Plan(Kind.READ, None, part)
        return Plan(Kind.READ, _closed(part), one=isinstance(part, _One))

    read_in = partialmethod(_two, Kind.READ, back=True)
    count_objects_of = partialmethod(_two, Kind.COUNT_OBJECTS)
    count_objects_in = partialmethod(_two, Kind.COUNT_OBJECTS, back=True)

    def compare(self, children: list[Any]) -> Plan:
        more = any(isinstance(child, Token) and child.type in ("MORE", "COMMONER") for child in children)
        sides = [part for part in _values(children) if part is not None]
        return Plan(Kind.COMPARE, sides[0], compare_with=sides[1], comparison="more" if more else "fewer")
