"""Child specifications: what a process is, and what its supervisor does when it ends.

One for each kind of process; any of them can be started, and be a child of any supervisor. They are values: a
specification can be used again and again. Times are seconds.

>>> SupervisorSpec([ServerSpec(Cache), AgentSpec(0, id="hits")], strategy="rest_for_one")  # doctest: +SKIP
"""

from .base import Backoff, ChildSpec, Mailbox
from .starting import add_children as add_children
from .starting import start as start
from .starting import start_link as start_link
from .starting import start_monitor as start_monitor
from .stores import PubSubSpec, RegistrySpec
from .structs import Structs as Structs
from .supervisors import DynamicSupervisorSpec, PartitionSupervisorSpec, SupervisorSpec, TaskSupervisorSpec
from .workers import AgentSpec, BehaviourSpec, HostSpec, ProcessSpec, ServerSpec, TaskSpec

__all__ = [
    "Backoff", "Mailbox", "ChildSpec", "ServerSpec", "AgentSpec", "ProcessSpec", "TaskSpec", "SupervisorSpec",
    "DynamicSupervisorSpec", "PartitionSupervisorSpec", "TaskSupervisorSpec", "RegistrySpec", "PubSubSpec", "HostSpec",
    "BehaviourSpec",
]  # fmt: skip
