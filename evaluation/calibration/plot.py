"""A reliability diagram as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

SIDE, MARGIN = 320, 44
COLOURS = ("#999999", "#0b6e4f", "#c1440e")

Bins = Sequence[tuple[float, float, int]]


def write_svg(path: Path, curves: Mapping[str, Bins]) -> None:
    """`curves`: name -> (mean probability, share that is true, how many) of each bin. Areas of dots go by the logarithm
    of how many."""
    path.write_text(svg(curves), encoding="utf-8")


def svg(curves: Mapping[str, Bins]) -> str:
    parts = [
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#333"/>',
        f'<path d="M{_point(0, 0)} L{_point(1, 1)}" stroke="#bbb" stroke-dasharray="4 4"/>',
        _text(MARGIN + SIDE / 2, 2 * MARGIN + SIDE - 10, "probability"),
        f'<g transform="rotate(-90 14 {MARGIN + SIDE / 2})">{_text(14, MARGIN + SIDE / 2, "share that is true")}</g>',
    ]
    for tick in (0.0, 0.5, 1.0):
        x, y = MARGIN + tick * SIDE, MARGIN + SIDE
        parts += [_text(x, y + 16, f"{tick:g}"), _text(MARGIN - 14, y - tick * SIDE + 4, f"{tick:g}")]
    for number, (name, bins) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        line = " L".join(_point(p, share) for p, share, _ in bins)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for p, share, many in bins:
            left, top = _point(p, share).split()
            title = f"{name}: {many} between, mean {p:.3f}, true {share:.3f}"
            parts.append(
                f'<circle cx="{left}" cy="{top}" r="{1 + len(str(many))}" fill="{colour}">'
                f"<title>{title}</title></circle>"
            )
        parts.append(
            f'<text x="{MARGIN + 10}" y="{MARGIN + 18 + 16 * number}" fill="{colour}" font-size="12">{name}</text>'
        )
    side = SIDE + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" font-family="sans-serif">'
        f'<rect width="{side}" height="{side}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _point(x: float, y: float) -> str:
    return f"{MARGIN + x * SIDE:.1f} {MARGIN + (1 - y) * SIDE:.1f}"


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="middle">{words}</text>'
