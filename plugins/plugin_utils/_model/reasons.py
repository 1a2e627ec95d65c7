# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reason codes: why a bundle ends, why hosts wait for each other, why a task goes the stock way.

Rule 1: every refusal of the engine carries one of these; a refusal without a reason is a bug.
Rule 2: a code has one kind. Where two kinds share a cause (``throttle``), there are two codes.
Rule 3: the value is what people see and what JSON holds; it never changes once it was released.
"""
from __future__ import annotations

import enum
import typing as t

__all__ = ['Kind', 'Reason']

Kind = t.Literal['cut', 'barrier', 'stock', 'opaque']


class Reason(enum.StrEnum):
    """One cause. ``kind`` says what it does, ``text`` says it to a person in one line.

    - ``cut``: the bundle of a host ends here, since the controller has to see results before it goes on with that host.
    - ``barrier``: all hosts finish what is before this task before any host begins it, and the task before any host goes on.
    - ``stock``: the task is run by Ansible's own worker, not through the agent.
    - ``opaque``: what the task brings into the play is not in the plan, which takes it for anything.
    """

    kind: Kind
    text: str

    def __new__(cls, value: str, kind: Kind, text: str) -> Reason:
        member = str.__new__(cls, value)
        member._value_ = value
        member.kind = kind
        member.text = text
        return member

    # --- the stock path -------------------------------------------------------------------------------------------------
    ASYNC = 'async', 'stock', 'the task runs asynchronously'
    ACTION = 'action', 'stock', 'the action plugin is unknown or talks to the user'
    CONNECTION = 'connection', 'stock', 'the connection plugin or one of its options is not supported by the agent'
    NON_PYTHON_MODULE = 'non-python-module', 'stock', 'the module is not a new-style Python module'
    THROTTLE = 'throttle', 'stock', 'throttle limits how many hosts may run the task at once'
    DELEGATE = 'delegate', 'stock', 'the task is delegated to another host'
    ENVIRONMENT = 'environment', 'stock', 'the environment changes how Python starts or loads code (PYTHON*, LD_*)'
    KEEP_REMOTE_FILES = 'keep-remote-files', 'stock', 'ANSIBLE_KEEP_REMOTE_FILES asks for files that the agent never writes'
    BECOME_METHOD = 'become-method', 'stock', 'the become method is not supported by the agent'
    MODE_SSH = 'mode-ssh', 'stock', 'rustle_mode is ssh here'
    LOOKUP = 'blocking-lookup', 'stock', 'a lookup of this kind cannot run inside the controller process'
    DEBUGGER = 'debugger', 'stock', 'the task debugger is on'
    STEP = 'step', 'stock', '--step asks before each task'
    RAW = 'raw', 'stock', 'raw runs without Python on the target'
    CORE_VERSION = 'core-version', 'stock', 'this version of ansible-core is not known'
    ADAPTED = 'adapted', 'stock', 'bundles fail, or are slower, on hosts of this class: an adaptation has changed their path'
    AGENT_UNAVAILABLE = 'agent-unavailable', 'stock', 'no agent could be started on the target, or no temporary folder made for the task'
    UNREACHED = 'unreached', 'stock', 'the action failed before the host was asked, and nobody knows whether it can be reached'
    UNSUPPORTED = 'unsupported', 'stock', 'the action does something on the target that the agent does not offer'
    INTERPRETER = 'interpreter', 'stock', 'the Python of the target is unknown, too old or still to be discovered'
    LARGE_FILE = 'large-file', 'stock', 'a file is too large to travel in one message to the agent'
    DISABLED = 'disabled', 'stock', 'the engine is switched off here'

    # --- cuts -----------------------------------------------------------------------------------------------------------
    REGISTER = 'register', 'cut', 'the task reads a registered result that is still under way'
    SET_FACT = 'set_fact', 'cut', 'the task reads a variable that a set_fact under way sets'
    FACTS = 'facts', 'cut', 'the task reads facts that are still under way'
    VARS = 'vars', 'cut', 'the task reads variables as a whole (vars) or lists of hosts (ansible_play_hosts and the like)'
    HOSTVARS = 'hostvars', 'cut', 'the task reads variables of other hosts'
    LOOKUP_CUT = 'lookup', 'cut', 'the task has a lookup, which runs on the controller when its turn has come'
    JUDGE_CHANGED_WHEN = 'changed_when', 'cut', 'the controller has to judge changed_when'
    JUDGE_FAILED_WHEN = 'failed_when', 'cut', 'the controller has to judge failed_when'
    TIMEOUT = 'timeout', 'cut', 'the task has a time-out, and what becomes of it is known only when it has ended'
    CLOCK = 'clock', 'cut', 'the task reads the time, which is another one when its turn has come'
    UNTIL = 'until', 'cut', 'the controller has to judge until'
    NOTIFY = 'notify', 'cut', 'the task notifies a handler that may not exist, which would end the run'
    IGNORE_ERRORS_TEMPLATE = 'ignore_errors', 'cut', 'whether errors are ignored is a template that the result may change'
    INCLUDE = 'include', 'cut', 'tasks or a role are included here'
    META = 'meta', 'cut', 'a meta task changes the state of the play here'
    FLUSH = 'flush_handlers', 'cut', 'handlers may run here, and who notified them is still under way'
    INCLUDE_VARS = 'include_vars', 'cut', 'include_vars changes variables of any name'
    CACHEABLE = 'cacheable', 'cut', 'set_fact with cacheable changes facts of any name'
    ROLE = 'role', 'cut', 'whether a role has completed is still under way'
    MULTI_STEP = 'multi-step', 'cut', 'the action needs a first answer of the target before its next step'
    FAILED = 'failed', 'cut', 'a task before this one failed'
    END = 'end', 'cut', 'the host has no further task'
    CONTROLLER_FILES = 'controller-files', 'cut', 'the task reads a file of the controller that a task under way may write'
    RESTART_AGENT = 'restart-agent', 'cut', 'users, groups or login settings change here: later tasks need a fresh login'
    STOCK = 'stock', 'cut', 'the task takes the stock path'
    BECOME_CHANGE = 'become-change', 'cut', 'the next task runs as another user, in another agent'
    LOOKAHEAD_LIMIT = 'lookahead', 'cut', 'rustle_lookahead tasks of the host are under way'
    BARRIER = 'barrier', 'cut', 'a barrier across hosts stands here'

    # --- barriers -------------------------------------------------------------------------------------------------------
    WORLDLY = 'worldly', 'barrier', 'somebody beyond the host could notice the task, or it could notice them'
    SAME_MACHINE = 'same-machine', 'barrier', 'several inventory names are one machine'
    RUN_ONCE = 'run_once', 'barrier', 'the task runs once for all hosts'
    DELEGATED = 'delegate_to', 'barrier', 'the task acts on another host'
    GROUP_BY = 'group_by', 'barrier', 'group_by changes the groups of all hosts'
    ADD_HOST = 'add_host', 'barrier', 'add_host changes the inventory of all hosts'
    THROTTLED = 'throttled', 'barrier', 'throttle asks that hosts take turns'
    ANY_ERRORS_FATAL = 'any_errors_fatal', 'barrier', 'a failure of one host ends the play for all'
    MAX_FAIL_PERCENTAGE = 'max_fail_percentage', 'barrier', 'failures are counted over all hosts'
    ORDERING_LINEAR = 'ordering-linear', 'barrier', 'the ordering mode is linear'
    FORKS_ONE = 'forks-one', 'barrier', 'forks is 1, so only one host may be at work'
    PAUSE = 'pause', 'barrier', 'pause holds all hosts'
    SERIAL = 'serial', 'barrier', 'a batch of serial ends'
    META_TASK = 'meta-task', 'barrier', 'a meta task changes the state of the play for all hosts'
    FLUSH_HANDLERS = 'handlers', 'barrier', 'notified handlers may run here'
    CONTROLLER_WRITES = 'controller-writes', 'barrier', 'the task may write files of the controller, which all hosts share'
    OTHER_HOSTS = 'other-hosts', 'barrier', 'the task reads variables of other hosts or lists of them'

    # --- includes that a plan does not open -----------------------------------------------------------------------------
    INCLUDE_TEMPLATE = 'include-template', 'opaque', 'what is included depends on a template'
    INCLUDE_LOOP = 'include-loop', 'opaque', 'the items of the loop around the include are known in the run only'
    INCLUDE_RECURSION = 'include-recursion', 'opaque', 'what is included includes itself'
    INCLUDE_UNREADABLE = 'include-unreadable', 'opaque', 'what is included is not there, or cannot be loaded'
    INCLUDE_HANDLER = 'include-handler', 'opaque', 'a handler includes tasks'
    INCLUDE_LIMIT = 'include-limit', 'opaque', 'the play has more includes than a plan opens'
