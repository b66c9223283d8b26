"""The table of a run: medians of each row and family, the best of each row, and what regrow is to the best peer.

A family counts with the better of its programs, and of the ways that a row allows it; so does regrow in the ratio, whose
columns show each number of workers by itself."""
import statistics
from dataclasses import dataclass

from machine import sentence
from peers import FAMILIES, family_of
from rows import ROWS

ONE_WORKER = "¹"


@dataclass
class Cell:
    median: float
    least: float
    greatest: float
    program: str

    @property
    def one_worker(self):
        return self.program.endswith("1") and family_of(self.program) != "regrow"


@dataclass
class Line:
    """A row with its numbers: {column: Cell}, and what went wrong in {column: text}."""
    row: object
    cells: dict
    errors: dict

    def better(self, cells):
        pick = min if self.row.less_is_better else max
        return pick(cells, key=lambda column: cells[column].median, default=None)

    @property
    def best(self):
        return self.better(self.cells)

    @property
    def best_peer(self):
        return self.better({column: cell for column, cell in self.cells.items() if family_of(column) != "regrow"})

    def against_best_peer(self, value):
        """How many times the best peer that is: more is better, whatever the unit."""
        peer = self.cells[self.best_peer].median
        return peer / value if self.row.less_is_better else value / peer

    @property
    def ratio(self):
        """regrow's better number of workers to the best peer's median; None without either."""
        own = self.better({column: cell for column, cell in self.cells.items() if family_of(column) == "regrow"})
        return self.against_best_peer(self.cells[own].median) if own and self.best_peer else None


def _numbers(records, program, line, key):
    values = []
    for record in records:
        if record["peer"] == program and record["workload"] == line and "error" not in record:
            value = record["per_sec"] if key == "per_sec" else record["extra"].get(key)
            if value:
                values.append(value)
    return values


def _cell(row, records, programs, sources):
    best = None
    for program in programs:
        for line, key in sources:
            values = [value * row.scale for value in _numbers(records, program, line, key)]
            if values:
                cell = Cell(statistics.median(values), min(values), max(values), program)
                better = best is None or (cell.median < best.median if row.less_is_better else cell.median > best.median)
                best = cell if better else best
    return best


def columns(records):
    """{column: its programs}: regrow by its number of workers, then the families that were there."""
    programs = dict.fromkeys(record["peer"] for record in records)
    own = sorted((name for name in programs if name.startswith("regrow") and not name.endswith("_inline")),
                 key=lambda name: int(name.removeprefix("regrow") or 0))
    found = {name: [name, f"{name}_inline"] for name in own}
    for family in FAMILIES:
        if any(family_of(name) == family for name in programs):
            found[family] = [name for name in programs if family_of(name) == family]
    for name in programs:
        if family_of(name) == name and name not in FAMILIES:
            found[name] = [name]
    return found


def title(column):
    if family_of(column) == "regrow":
        workers = column.removeprefix("regrow")
        return f"regrow, {workers} worker{'s' * (workers != '1')}" if workers else "regrow"
    return FAMILIES[column].title if column in FAMILIES else column


def lines(records):
    """The rows of which somebody has a number or an error."""
    made = []
    for row in ROWS:
        cells, errors = {}, {}
        for column, programs in columns(records).items():
            family = family_of(column)
            if family == "regrow":
                programs = [name for name in programs if name.endswith("_inline") == row.inline]
            sources = row.sources(family)
            cell = _cell(row, records, programs, sources)
            if cell:
                cells[column] = cell
            elif sources:
                said = [record["error"] for record in records if "error" in record and record["peer"] in programs
                        and any(f"{line}_".startswith(f"{record['workload']}_") for line, _ in sources)]
                if said:
                    errors[column] = said[0]
        if cells or errors:
            made.append(Line(row, cells, errors))
    return made


def number(value):
    """Three figures: 12.3M, 310k, 2.81."""
    if value < 9999.5:
        return f"{value:.3g}" if value < 99.95 else f"{value:,.0f}"
    for limit, word in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if value < limit * 999.5:
            break
    value /= limit
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}{word}"


def _text(line, column, spread):
    if column in line.errors:
        return "failed"
    if column not in line.cells:
        return ""
    cell = line.cells[column]
    text = number(cell.median) + (ONE_WORKER if cell.one_worker else "")
    return f"{text} ({number(cell.least)} to {number(cell.greatest)})" if spread else text


def ratio(value):
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _grid(records, spread, mark):
    """Rows of strings, the first the heading; a row with one string is a group's heading."""
    names = list(columns(records))
    grid, group = [["per second, unless a unit is given", *map(title, names), "to the best peer"]], None
    for line in lines(records):
        if line.row.group != group:
            group = line.row.group
            grid.append([group])
        best = line.best
        cells = [_text(line, column, spread) for column in names]
        cells = [mark(text) if column == best else text for column, text in zip(names, cells)]
        grid.append([line.row.title, *cells, ratio(line.ratio)])
    return grid


def plain(run, records, spread=False):
    """For a terminal. The best of each row has a star."""
    grid = _grid(records, spread, lambda text: f"*{text}")
    widths = [max(len(row[at]) for row in grid if len(row) > 1) for at in range(len(grid[0]))]
    rows = []
    for row in grid:
        if len(row) == 1:
            rows.append(f"\n{row[0]}")
        else:
            cells = [row[0].ljust(widths[0])] + [text.rjust(width) for text, width in zip(row[1:], widths[1:])]
            rows.append("  ".join(cells).rstrip())
    return "\n".join(rows) + "\n\n" + "\n".join(_notes(run, records, "*: the best of the row.")) + "\n"


def markdown(run, records, spread=False):
    """For GitHub. The best of each row is bold."""
    grid = _grid(records, spread, lambda text: f"**{text}**")
    width = len(grid[0])
    rows = [grid[0], ["---"] + ["---:"] * (width - 1)]
    rows += [row if len(row) > 1 else [f"**{row[0]}**"] + [""] * (width - 1) for row in grid[1:]]
    table = "".join("| " + " | ".join(row) + " |\n" for row in rows)
    return table + "\n" + "\n\n".join(_notes(run, records, "Bold: the best of the row.")) + "\n"


def _notes(run, records, best):
    notes = [f"{best} Medians of {run['reps']} paired repetition{'s' * (run['reps'] != 1)}; last column: the better of "
             f"regrow's to the best peer's. A peer has the better of its runs with all cores and with one ({ONE_WORKER}: one)."]
    notes.append(sentence(run) + ".")
    notes.append("Versions: " + "; ".join(f"{name} {version}" for name, version in run["versions"].items()) + ".")
    if run["left_out"]:
        notes.append("Left out: " + "; ".join(f"{name}, {why}" for name, why in run["left_out"].items()) + ".")
    failed = {f"{title(column)} in {line.row.line} ({why})" for line in lines(records) for column, why in line.errors.items()}
    if failed:
        notes.append("Failed: " + "; ".join(sorted(failed)) + ".")
    return notes


def each_program(records):
    """The longer form: for each workload all programs with their spread and their other numbers."""
    by_line = {}
    for record in records:
        if "error" not in record:
            by_line.setdefault(record["workload"], {}).setdefault(record["peer"], []).append(record)
    text = []
    for name, programs in by_line.items():
        medians = {program: statistics.median(each["per_sec"] for each in found) for program, found in programs.items()}
        text.append(f"\n### {name}\n\n| peer | n | per second | runs | extra (medians) |\n|---|---|---|---|---|")
        for program in sorted(programs, key=lambda each: -medians[each]):
            found = programs[program]
            keys = [key for key in found[0]["extra"] if all(key in each["extra"] for each in found)]
            extra = ", ".join(f"{key} {statistics.median(each['extra'][key] for each in found):,.6g}" for key in keys)
            rates = [each["per_sec"] for each in found]
            mark = "**" if program == max(medians, key=medians.get) else ""
            text.append(f"| {mark}{program}{mark} | {found[0]['n']:,} | {medians[program]:,.0f} ({min(rates):,.0f}.."
                        f"{max(rates):,.0f}) | {len(found)} | {extra} |")
    return "\n".join(text) + "\n"
