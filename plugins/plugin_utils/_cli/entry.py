# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the console scripts start: what is below ansible_collections has to be found before anything of it is imported.

rustle-plan asks Ansible's loader of collections to. rustle-feedback reads what runs have left and needs nothing of Ansible, whose import would take
most of its time. A wheel puts this file at the top of site-packages; in an installed collection it is run by its path.
"""
from __future__ import annotations

import importlib
import os
import sys
import types
import typing as t

__all__ = ['feedback', 'plan']

_NAMESPACE = 'ansible_collections'


def plan() -> int:
    """The command rustle-plan."""
    return _with_ansible('plan')


def feedback() -> int:
    """The command rustle-feedback."""
    folder = _collections_here()
    if folder is not None:
        # a module made by hand: where another package has this name too, as a package of its own, ours would not be found below it
        namespace = types.ModuleType(_NAMESPACE)
        namespace.__path__ = [folder]
        sys.modules[_NAMESPACE] = namespace
    return _start('feedback')


def _collections_here() -> str | None:
    """The folder ansible_collections that this file is in, or beside."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.join(here, _NAMESPACE)
    if os.path.isdir(os.path.join(beside, 'rustle', 'engine', 'plugins')):
        return beside
    while os.path.basename(here) != _NAMESPACE:
        if os.path.dirname(here) == here:
            return None
        here = os.path.dirname(here)
    return here


def _with_ansible(command: str) -> int:
    try:
        from ansible.plugins.loader import init_plugin_loader
    except ImportError:
        sys.stderr.write('rustle: the Python package ansible-core is not installed\nhint: pip install ansible-core\n')
        return 1
    except Exception as ex:  # an ansible.cfg that cannot be read, a setting of Ansible's that is none
        sys.stderr.write(f'rustle: ansible-core cannot start: {ex}\n')
        return 1
    # `python -m` has imported the namespace already, in a way that Ansible's loader cannot go on with
    for name in [name for name in sys.modules if name.partition('.')[0] == _NAMESPACE]:
        del sys.modules[name]
    init_plugin_loader()
    return _start(command)


def _start(command: str) -> int:
    try:
        module: t.Any = importlib.import_module(f'ansible_collections.rustle.engine.plugins.plugin_utils._cli.{command}')
    except ModuleNotFoundError as ex:
        name = str(ex.name)
        hint = 'ansible-galaxy collection install rustle.engine' if name.startswith(_NAMESPACE) else f'pip install {name}'
        sys.stderr.write(f'rustle: {name} is not installed\nhint: {hint}\n')
        return 1
    except Exception as ex:
        sys.stderr.write(f'rustle: {type(ex).__name__}: {ex}\nhint: is this a supported version of ansible-core?\n')
        return 1
    return int(module.main(sys.argv[1:]))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--feedback']:
        del sys.argv[1]
        sys.exit(feedback())
    sys.exit(plan())
