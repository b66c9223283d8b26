"""Draws a run as SVG: for each row of the table, how many times the best peer everybody is, on a logarithmic axis.

The best peer is the line in the middle, so a bar's length is a ratio, to the right where regrow is ahead and to the left
where it is behind. Bars are regrow's, one for each number of workers, with a whisker from its least to its greatest
repetition; dots are the other peers. Where less is better (times, bytes) the ratio is turned over, so right is better in
every row. Absolute numbers stand at the right. It has its own ground, light or dark as the reader's system is."""
import math
from xml.sax.saxutils import escape

from machine import sentence
from table import columns, family_of, lines, number, ratio, title

WIDTH, LEFT, RIGHT, TOP, ROW, GROUP = 920, 290, 214, 104, 22, 30

STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de }
  text { font: 12px -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .group { font-weight: 600 }
  .faint { fill: #59636e; font-size: 11px }
  .axis { stroke: #d8dee4; stroke-width: 1 }
  .peer-line { stroke: #59636e; stroke-width: 1.5 }
  .own0 { fill: #6fb7a8 } .own1 { fill: #12766a } .own2 { fill: #0b4d46 }
  .behind0 { fill: #e8ab86 } .behind1 { fill: #c4622d } .behind2 { fill: #8a3f17 }
  .whisker { stroke: #1f2328; stroke-width: 1; opacity: .65 }
  .dot { fill: #ffffff; stroke: #59636e; stroke-width: 1.2 }
  .number { text-anchor: end; font-variant-numeric: tabular-nums }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #3d444d }
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .axis { stroke: #262c36 }
    .peer-line { stroke: #9198a1 }
    .own0 { fill: #2c6e63 } .own1 { fill: #3fb8a5 } .own2 { fill: #8fe3d5 }
    .behind0 { fill: #7d4526 } .behind1 { fill: #e08a55 } .behind2 { fill: #f3bd9b }
    .whisker { stroke: #e6edf3 }
    .dot { fill: #0d1117; stroke: #9198a1 }
  }
"""


class Axis:
    """From regrow's least ratio to its greatest, in steps of 1, 2, 5, 10; and to a hundredth, for peers that are behind."""

    def __init__(self, own, peers):
        steps = [base * 10.0 ** power for power in range(-6, 7) for base in (1, 2, 5)]
        least, greatest = min([*own, *(max(value, 0.01) for value in peers), 0.5]), max([*own, 2])
        self.low = max(step for step in steps if step <= least * 1.001)
        self.high = min(step for step in steps if step >= greatest * 0.999)
        decades = math.log10(self.high / self.low)
        wanted = (1, 2, 5) if decades <= 3 else (1,)
        self.ticks = [step for step in steps if self.low <= step <= self.high and
                      round(step / 10 ** math.floor(math.log10(step) + 1e-9)) in wanted]

    def at(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return LEFT + max(0.0, min(1.0, share)) * (WIDTH - LEFT - RIGHT)


def _text(x, y, text, kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(text)}</text>'


def _times(value):
    return f"{value:g}×"


def _row(line, own, axis, top):
    """The drawing of one row: the peers' dots, regrow's bars, the numbers."""
    parts, middle = [], top + ROW / 2
    parts.append(_text(16, middle + 4, line.row.title))
    height = min(7.0, 14.0 / len(own))
    first = middle - height * len(own) / 2
    for at, column in enumerate(own):
        cell = line.cells.get(column)
        if not cell:
            continue
        value = line.against_best_peer(cell.median)
        start, end = sorted((axis.at(1), axis.at(value)))
        kind = f"{'own' if value >= 1 else 'behind'}{min(at, 2)}"
        y = first + height * at
        parts.append(f'<rect class="{kind}" x="{start:.1f}" y="{y:.1f}" width="{max(1.5, end - start):.1f}" '
                     f'height="{height - 0.6:.1f}"><title>{escape(title(column))}: {number(cell.median)}, '
                     f'{ratio(value)} times {escape(title(line.best_peer))}</title></rect>')
        least, greatest = sorted(axis.at(line.against_best_peer(each)) for each in (cell.least, cell.greatest))
        parts.append(f'<line class="whisker" x1="{least:.1f}" x2="{greatest:.1f}" y1="{y + height / 2 - .3:.1f}" '
                     f'y2="{y + height / 2 - .3:.1f}"/>')
    for column, cell in line.cells.items():
        if family_of(column) == "regrow":
            continue
        value = line.against_best_peer(cell.median)
        x = axis.at(value)
        hint = f"<title>{escape(title(column))}: {number(cell.median)}, {ratio(value)} times the best</title>"
        if value < axis.low:  # further away than is drawn
            parts.append(f'<path class="dot" d="M{x + 3:.1f} {middle - 4:.1f} L{x - 4:.1f} {middle:.1f} L{x + 3:.1f} '
                         f'{middle + 4:.1f} Z">{hint}</path>')
        else:
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{middle:.1f}" r="3">{hint}</circle>')
    peer = line.cells[line.best_peer]
    better = line.better({column: cell for column, cell in line.cells.items() if column in own})
    if better:
        parts.append(_text(WIDTH - 124, middle + 4, number(line.cells[better].median), "number"))
        parts.append(_text(WIDTH - 16, middle + 4, f"{title(line.best_peer)} {number(peer.median)}", "number faint"))
    return parts


def svg(run, records):
    """The whole drawing. Rows that no peer has, or regrow has not, cannot be compared and are left to the table."""
    own = [column for column in columns(records) if family_of(column) == "regrow"]
    rows = [line for line in lines(records) if line.ratio is not None]
    peers = [title(column) for column in columns(records) if family_of(column) != "regrow"]
    values = {kind: [line.against_best_peer(cell.median) for line in rows for column, cell in line.cells.items()
                     if (column in own) == kind] for kind in (True, False)}
    axis = Axis(values[True], values[False])
    groups = len({line.row.group for line in rows})
    bottom = TOP + ROW * len(rows) + GROUP * groups
    height = bottom + 56
    parts = [f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
             _text(16, 30, "regrow, and the best peer of each row", "title"),
             _text(16, 50, "Bars: how many times the best peer regrow is (right is better, also for times and bytes). "
                           f"Dots: {', '.join(peers) or 'no peers'}.", "faint")]
    x = 16
    for at, column in enumerate(own):
        parts.append(f'<rect class="own{min(at, 2)}" x="{x}" y="61" width="12" height="9"/>'
                     f'<rect class="behind{min(at, 2)}" x="{x + 13}" y="61" width="12" height="9"/>')
        parts.append(_text(x + 30, 70, title(column), "faint"))
        x += 150
    parts.append(_text(x, 70, "whiskers: from the least to the greatest repetition", "faint"))
    parts.append(_text(WIDTH - 124, TOP - 8, "regrow", "number faint"))
    parts.append(_text(WIDTH - 16, TOP - 8, "best peer", "number faint"))
    for tick in axis.ticks:
        kind = "peer-line" if tick == 1 else "axis"
        parts.append(f'<line class="{kind}" x1="{axis.at(tick):.1f}" x2="{axis.at(tick):.1f}" y1="{TOP - 2}" y2="{bottom}"/>')
        parts.append(f'<text class="faint" text-anchor="middle" x="{axis.at(tick):.1f}" y="{TOP - 8}">{_times(tick)}</text>')
    y, group = TOP, None
    for line in rows:
        if line.row.group != group:
            group = line.row.group
            parts.append(_text(16, y + GROUP - 8, group, "group"))
            y += GROUP
        parts += _row(line, own, axis, y)
        y += ROW
    words = sentence(run).split("; ")
    parts.append(_text(16, bottom + 22, words[0], "faint"))
    parts.append(_text(16, bottom + 38, "; ".join(words[1:]), "faint"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" aria-label="regrow compared with the best peer of each workload">\n<style>{STYLE}</style>\n'
            + "\n".join(parts) + "\n</svg>\n")
