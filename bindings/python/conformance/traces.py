"""What happened in a step, in the order of tests/conformance/FORMAT.md, section 3."""

from __future__ import annotations

from system import Attempt, System


def _is_dynamic(attempt: Attempt) -> bool:
    return attempt.place is not None and attempt.place.is_dynamic


def _is_concurrent(attempt: Attempt, step: int) -> bool:
    """Whether a process above it ended in this step in a way that leaves open in which order its descendants end."""
    above = attempt.starter
    while above is not None:
        if above.ended_step == step and (_is_dynamic(above) or above.reason == "killed"):
            return True
        above = above.starter
    return False


def _group(events: list[tuple[Attempt, str]]) -> list[str]:
    lines = [text for _, text in events]
    unordered = any(
        _is_dynamic(attempt.starter) or (text.startswith("term ") and text.endswith(" killed"))
        for attempt, text in events
        if attempt.starter
    )
    return sorted(lines) if unordered else lines


def step_lines(system: System, result: str) -> list[str]:
    """The lines of the step that is over, behind its first."""
    with system.lock:
        events, system.events = system.events, []
        messages, system.messages = system.messages, []
        attempts = list(system.attempts)
    shown = f"res {result}".rstrip()
    if result == "error bad_spec" or result.startswith("error duplicate_id "):
        return [shown]
    lines = [f"ev {text}" for attempt, text in events if not _is_concurrent(attempt, system.step)]
    groups: dict[str, list[tuple[Attempt, str]]] = {}
    for attempt, text in events:
        if attempt.starter and _is_concurrent(attempt, system.step):
            groups.setdefault(attempt.starter.label, []).append((attempt, text))
    for supervisor in sorted(groups):
        lines += [f"par {supervisor} {text}" for text in _group(groups[supervisor])]
    lines.append(shown)
    lines += sorted(
        f"down {attempt.label} {attempt.reason}"
        for attempt in attempts
        if attempt.ended_step == system.step and attempt.behaviour != "ignore" and not attempt.behaviour.startswith("fail:")
    )
    lines += sorted(f"msg {text}" for attempt, text in messages if attempt.ended_step != system.step)
    return lines


def final_line(system: System) -> str:
    return " ".join(["final", *sorted(a.label for a in system.attempts if a.came_up and not a.ended_step)])
