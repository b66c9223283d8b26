"""What a run ran on, and what else the machine did meanwhile: a number means nothing without it."""
import datetime
import os
import platform


def _first(path, key):
    try:
        with open(path) as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
    except OSError:
        return ""


def describe():
    memory = _first("/proc/meminfo", "MemTotal").split()
    flags = _first("/proc/cpuinfo", "flags").split()
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "virtual": "hypervisor" in flags,
        "memory_mib": int(memory[0]) // 1024 if memory else 0,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def load():
    return round(os.getloadavg()[0], 2)


class Stolen:
    """How much of the processors' time the host gave to others meanwhile, in per cent."""

    def __init__(self):
        self.before = self._read()

    @staticmethod
    def _read():
        try:
            with open("/proc/stat") as stat:
                ticks = [int(each) for each in stat.readline().split()[1:]]
            return (ticks[7], sum(ticks[:8]))
        except (OSError, IndexError, ValueError):
            return (0, 0)

    def percent(self):
        stolen, total = (after - before for after, before in zip(self._read(), self.before))
        return round(100 * stolen / total, 1) if total else 0.0


def sentence(run):
    """One line about the run, for people."""
    machine = run["machine"]
    return (f"{machine['cpu']}, {machine['cores']} cores{' of a virtual machine' if machine['virtual'] else ''}, "
            f"{machine['memory_mib'] / 1024:.0f} GiB, {machine['kernel']}; {run['date']}, {run['minutes']:g} minutes; "
            f"{run['reps']} repetition{'s' * (run['reps'] != 1)}; load {run['load_before']} before, {run['load_after']} after, "
            f"{run['stolen_percent']} % of the time taken by the host")
