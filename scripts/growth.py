#!/usr/bin/env python3
"""Shows what `make bench-growth` and `make bench-latency` print: tables for docs/growth.md, and docs/growth.svg.

usage: growth.py tables LINES...
       growth.py svg TITLE LINES... > docs/growth.svg     TITLE: the machine and the date

LINES are files of JSON lines; of several lines for one point the median is taken. Costs are in nanoseconds of processor
time for one operation, of threads in those that passed. Nothing but Python's own library is needed.
"""
import json
import math
import statistics
import sys
from html import escape

PANELS = [
    ("processes", ["spawn", "kill_all", "hops"]),
    ("children of a supervisor", [
        "start_children", "stop_children", "restart_one", "restart_rest", "restart_all", "crash_together",
        "restart_supervisor", "significant_ends", "dynamic_start", "dynamic_crash", "dynamic_terminate"]),
    ("entries", [
        "registry_insert", "registry_lookup", "registry_delete", "table_insert", "table_lookup", "table_delete",
        "ordered_insert", "ordered_lookup", "ordered_delete"]),
    ("what a process has when it ends", [
        "exit_names", "exit_links", "exit_monitors", "exit_monitored", "exit_timers", "exit_groups", "exit_tables",
        "exit_messages"]),
    ("timers and messages", [
        "cancel_timers", "receive_all", "receive_matching", "receive_late", "receive_behind", "call_with_messages"]),
    ("threads", ["thread_calls", "thread_calls_inline", "thread_lookups"]),
]
COLOURS = ["#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b", "#008080", "#d1495b", "#5c677d", "#7f5539", "#2a9d8f", "#6a4c93"]


def read(paths):
    growth, latency = {}, {}
    for path in paths:
        with open(path) as lines:
            for line in lines:
                if not line.startswith("{"):
                    continue
                one = json.loads(line)
                if "case" in one:
                    cost = one["ns"] if one["case"].startswith("thread") else one["processor_ns"]
                    growth.setdefault(one["case"], {}).setdefault(one["n"], []).append(cost)
                else:
                    latency.setdefault((one["situation"], one["measure"]), []).append(one)
    return {case: {n: statistics.median(costs) for n, costs in points.items()} for case, points in growth.items()}, latency


def many(n):
    return f"{n // 10**6}M" if n >= 10**6 else f"{n // 1000}k" if n >= 1000 else str(n)


def cost(ns):
    return f"{ns:.0f}" if ns < 10000 else f"{ns / 1000:.0f} us"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def tables(paths):
    growth, latency = read(paths)
    shown = [case for _, cases in PANELS for case in cases]
    panels = PANELS + [("others", [case for case in growth if case not in shown])]
    for title, cases in panels:
        cases = [case for case in cases if case in growth]
        if cases:
            sizes = sorted({n for case in cases for n in growth[case]})
            rows = [[case] + [cost(growth[case][n]) if n in growth[case] else "" for n in sizes] for case in cases]
            table([title] + [many(n) for n in sizes], rows)
    if latency:
        def time(us):
            return f"{us:.0f} us" if us < 1000 else f"{us / 1000:.1f} ms"
        fields = ["p50_us", "p99_us", "p999_us", "max_us"]
        rows = [[situation, measure, str(lines[0]["count"])] + [time(statistics.median(line[f] for line in lines)) for f in fields]
                for (situation, measure), lines in latency.items()]
        table(["situation", "measure", "count", "p50", "p99", "p99.9", "most"], rows)


WIDTH, HEIGHT, LEFT, TOP, KEY = 360, 250, 60, 40, 150


def panel(title, curves, x, y):
    """One diagram with both axes logarithmic, so that what is linear for all of n lies level."""
    sizes = sorted({n for points in curves.values() for n in points})
    costs = [c for points in curves.values() for c in points.values()]
    low, high = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    right = math.log10(sizes[-1] / sizes[0]) or 1

    def at(n, ns):
        return (x + LEFT + (WIDTH - LEFT) * math.log10(n / sizes[0]) / right,
                y + HEIGHT - (HEIGHT - TOP) * (math.log10(ns) - low) / (high - low))

    yield f'<text x="{x + LEFT}" y="{y + TOP - 14}" font-weight="bold">{escape(title)}</text>'
    for power in range(low, high + 1):
        _, line = at(sizes[0], 10 ** power)
        label = f"{10 ** power} ns" if power < 3 else f"{10 ** (power - 3)} us" if power < 6 else f"{10 ** (power - 6)} ms"
        yield f'<path d="M{x + LEFT} {line:.1f}H{x + WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{x + LEFT - 6}" y="{line + 4:.1f}" text-anchor="end">{label}</text>'
    for n in sizes:
        column, _ = at(n, 10 ** low)
        yield f'<text x="{column:.1f}" y="{y + HEIGHT + 16}" text-anchor="middle">{many(n)}</text>'
    for index, (case, points) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in (at(n, points[n]) for n in sorted(points)))
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        line = y + TOP + 4 + 15 * index
        yield f'<path d="M{x + WIDTH + 10} {line}h14" stroke="{colour}" stroke-width="3"/>'
        yield f'<text x="{x + WIDTH + 28}" y="{line + 4}">{escape(case)}</text>'


def svg(title, paths):
    growth, _ = read(paths)
    parts, panels = [], [(name, {case: growth[case] for case in cases if case in growth}) for name, cases in PANELS]
    panels = [(name, curves) for name, curves in panels if curves]
    for index, (name, curves) in enumerate(panels):
        parts += panel(name, curves, (WIDTH + KEY + 30) * (index % 2), 30 + (HEIGHT + 40) * (index // 2))
    width, height = (WIDTH + KEY + 30) * 2, 50 + (HEIGHT + 40) * math.ceil(len(panels) / 2)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">')
    print(f'<rect width="{width}" height="{height}" fill="white"/>')
    print(f'<text x="10" y="20" font-size="13">What one operation costs, by the number of what there is. {escape(title)}</text>')
    print("\n".join(parts))
    print("</svg>")


if len(sys.argv) > 2 and sys.argv[1] == "tables":
    tables(sys.argv[2:])
elif len(sys.argv) > 3 and sys.argv[1] == "svg":
    svg(sys.argv[2], sys.argv[3:])
else:
    sys.exit(__doc__)
