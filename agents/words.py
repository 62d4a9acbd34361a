"""Expressions -> English. What `describe_expr` says reads back to the same expression; the rest is for sentences."""

from __future__ import annotations

from collections.abc import Sequence

from agents.algebra import neg
from agents.dates import say_span
from agents.nouns import is_plural_only, plural_phrase, with_article
from thresher.types import And, Aspect, Expr, Like, Not, Or, Predicate, Says, Where

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def describe_expr(expr: Expr) -> str:
    """The expression in words, without articles: 'dog on sofa and not (cat or person) and tagged "beach"'."""
    match expr:
        case Predicate():
            return noun_phrase(expr, articles=False)
        case Where():
            return _where(expr)
        case Says(text):
            return f'with the word "{text}"'
        case Like():
            return _like(expr)
        case Not(part):
            return f"not {_inside(part)}"
        case And(parts):
            return " and ".join(_inside(part) for part in parts)
        case Or(parts):
            return " or ".join(_inside(part) if isinstance(part, Or) else describe_expr(part) for part in parts)


def _inside(part: Expr) -> str:
    return f"({describe_expr(part)})" if isinstance(part, And | Or) else describe_expr(part)


def _where(where: Where) -> str:
    parts = [f'tagged "{where.tag}"'] if where.tag else []
    if where.after or where.before:
        parts.append(f"taken {say_span(where.after, where.before)}")
    return " and ".join(parts) or "any"


_ASPECTS = {
    Aspect.WHOLE: "like",
    Aspect.OBJECT: "with the same things as",
    Aspect.COLOUR: "in the same colours as",
    Aspect.PLACE: "at the same place as",
    Aspect.INSTANCE: "with the very thing in",
}
_ALIKE = {
    Aspect.WHOLE: ("looks like", "look like"),
    Aspect.OBJECT: ("shows the same things as", "show the same things as"),
    Aspect.COLOUR: ("has the same colours as", "have the same colours as"),
    Aspect.PLACE: ("may be of the same place as", "may be of the same place as"),
    Aspect.INSTANCE: ("shows the very thing in", "show the very thing in"),
}


def _like(like: Like) -> str:
    """ "like dog.jpg", "like dog.jpg without a dog", "in the same colours as dog.jpg", "our mascot"."""
    how = "" if like.exemplar else _ASPECTS[like.aspect]
    return " ".join(part for part in (how, like.reference, like.change) if part)


def _like_clause(like: Like, many: bool) -> str:
    return " ".join(part for part in (_ALIKE[like.aspect][many], like.reference, like.change) if part)


def noun_phrase(p: Predicate, articles: bool = True, many: bool = False) -> str:
    """ "a small dog on a sofa", "at least two dogs"; `many`: "small dogs on a sofa"."""
    manifold = many or p.min_count > 1 or "many" in p.attribute.split()
    said = _head(p, manifold)
    if p.min_count > 1:
        said = f"at least {_number(p.min_count)} {said}"
    elif articles and not manifold and not is_plural_only(p.noun):
        said = with_article(said)
    return said + _related(p, articles)


def no_phrase(p: Predicate, many: bool = False) -> str:
    """That there is none: "no dog on a sofa", "fewer than two dogs"; `many`: "no dogs on a sofa"."""
    number = f"fewer than {_number(p.min_count)}" if p.min_count > 1 else "no"
    return f"{number} {_head(p, many or p.min_count > 1)}{_related(p, articles=True)}"


def _head(p: Predicate, many: bool) -> str:
    return f"{p.attribute} {plural_phrase(p.noun) if many else p.noun}".strip()


def _related(p: Predicate, articles: bool) -> str:
    return f" {p.relation} {with_article(p.object) if articles else p.object}" if p.object else ""


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def things(expr: Expr) -> str:
    """What "shows" governs: "a dog", "a cat or a dog", "a person but no motorcycle"."""
    match expr:
        case Predicate():
            return noun_phrase(expr)
        case Not(Predicate() as p):
            return no_phrase(p)
        case Not(Or(parts)):
            return f"neither {' nor '.join(map(things, parts))}"
        case Not(And(parts)):
            return " or ".join(things(neg(part)) for part in parts)
        case Not(part):
            return f"not {things(part)}"
        case Or(parts):
            return " or ".join(f"both {things(part)}" if isinstance(part, And) else things(part) for part in parts)
        case And(parts):
            shown = [part for part in parts if not isinstance(part, Not)]
            absent = [part for part in parts if isinstance(part, Not)]
            said = listing([f"either {things(part)}" if isinstance(part, Or) else things(part) for part in shown])
            without = listing([things(part) for part in absent])
            return f"{said} but {without}" if said and without else said or without
        case Where():
            return _where(expr)
        case Says(text):
            return f'the word "{text}"'
        case Like():
            return _like(expr)


def clause(expr: Expr | None, many: bool) -> str:
    """What one photo (or many) does: "shows a dog", "show a dog and were taken in 2020", "is tagged beach"."""
    match expr:
        case None:
            return "are stored" if many else "is stored"
        case Where():
            return _where_clause(expr, many)
        case Like() if not expr.exemplar:
            return _like_clause(expr, many)
        case Not(Like() as like) if not like.exemplar:
            return f"{'are' if many else 'is'} not among those that {'look' if many else 'looks'} {_like(like)}"
        case Not(Where() as where):
            be, rest = _where_clause(where, many).split(" ", 1)
            return f"{be} not {rest}"
        case And(parts) if any(_has_where(part) for part in parts):
            return " and ".join(clause(part, many) for part in _gathered(parts))
        case Or(parts) if any(_has_where(part) for part in parts):
            return " or ".join(clause(part, many) for part in parts)
        case _:
            return f"{'show' if many else 'shows'} {things(expr)}"


def negative_clause(expr: Expr, many: bool) -> str:
    return clause(neg(expr), many)


def _gathered(parts: Sequence[Expr]) -> list[Expr]:
    """The things first, as one conjunction, then what is about the photograph itself."""
    shown = [part for part in parts if not _has_where(part)]
    rest = [part for part in parts if _has_where(part)]
    return ([shown[0] if len(shown) == 1 else And(tuple(shown))] if shown else []) + rest


def _has_where(expr: Expr) -> bool:
    match expr:
        case Where():
            return True
        case Like():
            return not expr.exemplar
        case Not(part):
            return _has_where(part)
        case And(parts) | Or(parts):
            return any(map(_has_where, parts))
        case _:
            return False


def _where_clause(where: Where, many: bool) -> str:
    parts = [f"{'are' if many else 'is'} tagged {where.tag}"] if where.tag else []
    if where.after or where.before:
        parts.append(f"{'were' if many else 'was'} taken {say_span(where.after, where.before)}")
    return " and ".join(parts) or "exists"


def photos(count: int) -> str:
    """ "1 photo", "2 photos"."""
    return f"{count} photo" if count == 1 else f"{count} photos"


def listing(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else list(items))


def cite(names: Sequence[str], total: int) -> str:
    """File names of the first few of `total` photographs: "a.jpg, b.jpg and 3 more"."""
    more = total - len(names)
    return listing([*names, f"{more} more"] if more > 0 else list(names))
