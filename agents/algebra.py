"""Expressions in canonical form: no And in And, no Or in Or, no double Not, no And or Or of one part, no part twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from thresher.types import And, Expr, Leaf, Like, Not, Or, Predicate, Says, Where


def conj(parts: Sequence[Expr]) -> Expr:
    flat = list(dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disj(parts: Sequence[Expr]) -> Expr:
    flat = list(dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def neg(part: Expr) -> Expr:
    return part.part if isinstance(part, Not) else Not(part)


def mapped(expr: Expr, change: Callable[[Predicate], Expr]) -> Expr:
    """The expression with every predicate changed."""
    match expr:
        case Predicate():
            return change(expr)
        case And(parts):
            return conj([mapped(part, change) for part in parts])
        case Or(parts):
            return disj([mapped(part, change) for part in parts])
        case Not(part):
            return neg(mapped(part, change))
        case Where() | Says() | Like():
            return expr


def leaves(*exprs: Expr | None) -> Iterator[Leaf]:
    """Predicates, filters and what else selects photographs, in the order they are written."""
    for expr in exprs:
        match expr:
            case Predicate() | Where() | Says() | Like():
                yield expr
            case And(parts) | Or(parts):
                yield from leaves(*parts)
            case Not(part):
                yield from leaves(part)


def predicates(*exprs: Expr | None) -> list[Predicate]:
    """Each predicate once, in the order they are written."""
    return list(dict.fromkeys(leaf for leaf in leaves(*exprs) if isinstance(leaf, Predicate)))


def shown(expr: Expr | None) -> list[Predicate]:
    """Predicates that a photograph which satisfies `expr` may show: those not under a Not."""
    match expr:
        case Predicate():
            return [expr]
        case And(parts) | Or(parts):
            return list(dict.fromkeys(predicate for part in parts for predicate in shown(part)))
        case _:
            return []
