# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The [rustle] section of an ansible.cfg, read the way Ansible reads the file."""
from __future__ import annotations

import ast
import configparser
import contextlib
import os
import re
import stat
import sys
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError

__all__ = ['SECTION', 'ConfigValue', 'find_config', 'parse_config', 'read_config']

SECTION = 'rustle'


class ConfigValue(str):
    """A value that knows where it stands (``/etc/ansible/ansible.cfg:12``)."""

    where: str

    def __new__(cls, value: str, where: str) -> ConfigValue:
        made = super().__new__(cls, value)
        made.where = where
        return made


def find_config(environ: t.Mapping[str, str]) -> str | None:
    """The ansible.cfg that Ansible takes: the first of its places where there is one. Source: ansible/config/manager.py (find_ini_config_file)."""
    places = []
    given = environ.get('ANSIBLE_CONFIG')
    if given:
        path = os.path.abspath(os.path.expanduser(given))
        places.append(os.path.join(path, 'ansible.cfg') if os.path.isdir(path) else path)
    with contextlib.suppress(OSError):  # the folder may have gone
        here = os.getcwd()
        if not os.stat(here).st_mode & stat.S_IWOTH:
            places.append(os.path.join(here, 'ansible.cfg'))
    places += [os.path.expanduser('~/.ansible.cfg'), '/etc/ansible/ansible.cfg']
    return next((place for place in places if os.path.exists(place) and os.access(place, os.R_OK)), None)


def read_config(path: str | None) -> dict[str, str]:
    """The section of the file at ``path``; {} when there is no path, no file or no section. SettingsError when it is malformed."""
    if not path:
        return {}
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as ex:
        raise SettingsError(expected='a readable text file', found=str(ex), where=path) from ex
    return parse_config(text, path=path)


def parse_config(text: str, *, path: str) -> dict[str, str]:
    """The section of ``text``; each value is a ConfigValue that names ``path`` and its line."""
    # Ansible's own settings for this file: no interpolation, comments behind a blank and a semicolon
    parser = configparser.ConfigParser(inline_comment_prefixes=(';',), interpolation=None, default_section='\0')
    try:
        parser.read_string(text, source=path)
    except configparser.DuplicateOptionError as ex:
        raise SettingsError(
            expected='each key once', found=ex.option, where=f'{path}:{ex.lineno}', hint='remove one of the two lines'
        ) from ex
    except configparser.DuplicateSectionError as ex:
        raise SettingsError(
            expected='each section once', found=f'[{ex.section}]', where=f'{path}:{ex.lineno}', hint='merge the two sections'
        ) from ex
    except configparser.MissingSectionHeaderError as ex:
        raise SettingsError(expected='a [section] before the first key', found=ex.line.strip(), where=f'{path}:{ex.lineno}') from ex
    except configparser.ParsingError as ex:
        line, found = ex.errors[0]
        # Python 3.13 gives the line, those before it gave its repr
        plain = found if sys.version_info >= (3, 13) else str(ast.literal_eval(found))
        raise SettingsError(expected='key = value', found=plain.strip(), where=f'{path}:{line}') from ex
    if not parser.has_section(SECTION):
        return {}
    lines = _lines(text)
    return {key: ConfigValue(value, f'{path}:{lines[key]}' if key in lines else path) for key, value in parser[SECTION].items()}


def _lines(text: str) -> dict[str, int]:
    """Line numbers of the keys of the section."""
    section, lines = '', {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r'\[(.+)\]', line):
            section = header.group(1)
        elif section == SECTION and (key := re.match(r'([^\s=:#;][^=:]*?)\s*[=:]', line)):
            lines[key.group(1).lower()] = number
    return lines
