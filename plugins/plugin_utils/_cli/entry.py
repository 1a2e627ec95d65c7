# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the console scripts start: what is below ansible_collections has to be found before anything of it is imported.

rustle-plan asks Ansible's loader of collections to, unless it remembers the plan (recalling.py): that is looked for first, by modules that are forgotten
again before the loader comes. rustle-feedback reads what runs have left and needs nothing of Ansible, whose import would take
most of its time. A wheel puts this file at the top of site-packages; in an installed collection it is run by its path.
"""
from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import types
import typing as t

__all__ = ['feedback', 'plan']

_NAMESPACE = 'ansible_collections'
_ENGINE = 'ansible_collections.rustle.engine'


def plan() -> int:
    """The command rustle-plan."""
    gc.set_threshold(1_000_000)  # almost all that is read and planned lives to the end: looking at it again and again is a tenth of the time
    first = _recalled()
    if isinstance(first, int):
        return first
    if first is None or first.why_not:
        return _with_ansible('plan', first)
    first.watch.start()  # before Ansible reads its ansible.cfg
    try:
        return _with_ansible('plan', first)
    finally:
        first.watch.stop()


def feedback() -> int:
    """The command rustle-feedback."""
    _find_beside()
    return _start('feedback')


def _find_beside() -> None:
    """Let ansible_collections hold the collection that this file is in, or beside, and nothing else."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.join(here, *_ENGINE.split('.'))
    root = beside if os.path.isdir(os.path.join(beside, 'plugins')) else os.path.dirname(os.path.dirname(os.path.dirname(here)))
    for name, path in ((_NAMESPACE, []), (_ENGINE.rpartition('.')[0], []), (_ENGINE, [root])):
        # modules made by hand: where another package has this name too, as a package of its own, ours would not be found below it
        made: t.Any = types.ModuleType(name)
        made.__path__ = path
        sys.modules[name] = made


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition('.')[0] == _NAMESPACE]:
        del sys.modules[name]


def _recalled() -> t.Any:
    """The status of a plan that was remembered and is shown by now, or what ``plan.main`` is to be told."""
    _forget()
    _find_beside()
    try:
        return importlib.import_module(f'{_ENGINE}.plugins.plugin_utils._cli.plan').recalled(sys.argv[1:])
    except Exception:  # time is all that it costs: whatever is wrong is met again with Ansible, and told
        return None


def _with_ansible(command: str, *more: t.Any) -> int:
    try:
        from ansible.plugins.loader import init_plugin_loader
    except ImportError:
        sys.stderr.write('rustle: the Python package ansible-core is not installed\nhint: pip install ansible-core\n')
        return 1
    except Exception as ex:  # an ansible.cfg that cannot be read, a setting of Ansible's that is none
        sys.stderr.write(f'rustle: ansible-core cannot start: {ex}\n')
        return 1
    # `python -m` has imported the namespace already, in a way that Ansible's loader cannot go on with
    _forget()
    init_plugin_loader()
    with contextlib.suppress(Exception):  # what is wrong is met again below, and told
        importlib.import_module(f'{_ENGINE}.plugins.plugin_utils._bridge.bytecode').install()
    return _start(command, *more)


def _start(command: str, *more: t.Any) -> int:
    try:
        module: t.Any = importlib.import_module(f'{_ENGINE}.plugins.plugin_utils._cli.{command}')
    except ModuleNotFoundError as ex:
        name = str(ex.name)
        hint = 'ansible-galaxy collection install rustle.engine' if name.startswith(_NAMESPACE) else f'pip install {name}'
        sys.stderr.write(f'rustle: {name} is not installed\nhint: {hint}\n')
        return 1
    except Exception as ex:
        sys.stderr.write(f'rustle: {type(ex).__name__}: {ex}\nhint: is this a supported version of ansible-core?\n')
        return 1
    return int(module.main(sys.argv[1:], *more))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--feedback']:
        del sys.argv[1]
        sys.exit(feedback())
    sys.exit(plan())
