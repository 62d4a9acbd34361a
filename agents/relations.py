"""Which of two boxes stands how to the other. What a flat picture's boxes cannot tell (behind, holding) is not here."""

from __future__ import annotations

from collections.abc import Callable

from thresher.types import Box


def holds(relation: str, a: Box, b: Box) -> bool:
    """Does "a <relation> b" fit the boxes? KeyError for a relation that geometry cannot check."""
    return _CHECKS[relation](a, b)


def is_geometric(relation: str) -> bool:
    return relation in _CHECKS


def _across(a: Box, b: Box) -> float:
    """Part of the narrower box's width that lies under or over the other."""
    shared = min(a.x1, b.x1) - max(a.x0, b.x0)
    return max(0.0, shared) / max(1e-6, min(a.x1 - a.x0, b.x1 - b.x0))


def _on(a: Box, b: Box) -> bool:
    """Beside each other from left to right, a's foot between b's top and foot, a's middle not low in b."""
    height = b.y1 - b.y0
    return (
        _across(a, b) >= 0.4
        and b.y0 - 0.1 * height <= a.y1 <= b.y1 + 0.15 * height
        and a.center[1] <= b.y0 + 0.75 * height
    )


def _above(a: Box, b: Box) -> bool:
    return _across(a, b) >= 0.3 and a.center[1] < b.center[1] and a.y1 <= b.center[1] + 0.1 * (b.y1 - b.y0)


def _under(a: Box, b: Box) -> bool:
    return _across(a, b) >= 0.3 and a.center[1] > b.center[1]


def _inside(a: Box, b: Box) -> bool:
    return a.area > 0 and a.intersection(b) >= 0.7 * a.area and a.area < b.area


def _beside(a: Box, b: Box) -> bool:
    """Near in both directions and neither inside the other."""
    if _inside(a, b) or _inside(b, a):
        return False
    reach = 0.5 * max(min(a.x1 - a.x0, a.y1 - a.y0), min(b.x1 - b.x0, b.y1 - b.y0))
    across = max(a.x0, b.x0) - min(a.x1, b.x1)
    down = max(a.y0, b.y0) - min(a.y1, b.y1)
    return across <= reach and down <= reach


def _left(a: Box, b: Box) -> bool:
    return a.center[0] < b.center[0] and a.x0 < b.x0


_CHECKS: dict[str, Callable[[Box, Box], bool]] = {
    **dict.fromkeys(("on", "on top of", "atop", "riding"), _on),
    **dict.fromkeys(("above", "over"), _above),
    **dict.fromkeys(("under", "underneath", "beneath", "below"), _under),
    **dict.fromkeys(("in", "inside", "inside of"), _inside),
    **dict.fromkeys(("next to", "beside", "near", "close to", "by", "against"), _beside),
    **dict.fromkeys(("to the left of", "left of"), _left),
    **dict.fromkeys(("to the right of", "right of"), lambda a, b: _left(b, a)),
}
