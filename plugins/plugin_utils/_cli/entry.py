# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the console scripts start: Ansible's collection loader has to be in place before anything below ansible_collections is imported.

A wheel puts this file at the top of site-packages; in an installed collection it is run by its path.
"""
from __future__ import annotations

import importlib
import sys
import typing as t

__all__ = ['plan']


def plan() -> int:
    """The command rustle-plan."""
    return _start('plan')


def _start(command: str) -> int:
    try:
        from ansible.plugins.loader import init_plugin_loader
    except ImportError:
        sys.stderr.write('rustle: the Python package ansible-core is not installed\nhint: pip install ansible-core\n')
        return 1
    except Exception as ex:  # an ansible.cfg that cannot be read, a setting of Ansible's that is none
        sys.stderr.write(f'rustle: ansible-core cannot start: {ex}\n')
        return 1
    # `python -m` has imported the namespace already, in a way that Ansible's loader cannot go on with
    for name in [name for name in sys.modules if name.partition('.')[0] == 'ansible_collections']:
        del sys.modules[name]
    init_plugin_loader()
    try:
        module: t.Any = importlib.import_module(f'ansible_collections.rustle.engine.plugins.plugin_utils._cli.{command}')
    except ModuleNotFoundError as ex:
        name = str(ex.name)
        hint = 'ansible-galaxy collection install rustle.engine' if name.startswith('ansible_collections') else f'pip install {name}'
        sys.stderr.write(f'rustle: {name} is not installed\nhint: {hint}\n')
        return 1
    except Exception as ex:
        sys.stderr.write(f'rustle: {type(ex).__name__}: {ex}\nhint: is this a supported version of ansible-core?\n')
        return 1
    return int(module.main(sys.argv[1:]))


if __name__ == '__main__':
    sys.exit(plan())
