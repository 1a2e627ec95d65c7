# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one error tree of the controller side. A plugin file turns these into AnsibleError, once, at its edge.

::

    RustleError
    |-- SettingsError     a setting has a value that is no value of it
    |-- MissingPackage    a Python package is not installed
    `-- DeclarationError  rustle_scope or rustle_effects of a task, role or play says something we cannot read

What cannot be run through the agent is no error: it is a Reason, and the task takes the stock path.
"""
from __future__ import annotations

__all__ = ['DeclarationError', 'MissingPackage', 'RustleError', 'SettingsError']


class RustleError(Exception):
    """Everything that the engine raises on purpose and that ends at the user. ``hint`` names the next step, or is empty."""

    def __init__(self, message: str, *, hint: str = '') -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f'{self.message}\nhint: {self.hint}' if self.hint else self.message


class SettingsError(RustleError):
    """A setting is not what it can be: what was expected, what was found, where it stands, and what may have been meant."""

    def __init__(self, *, expected: str, found: object, where: str, hint: str = '') -> None:
        super().__init__(f'{where}: expected {expected}, found {found!r}', hint=hint)
        self.expected = expected
        self.found = found
        self.where = where


class DeclarationError(RustleError):
    """A declared scope or effect cannot be read. ``expected`` and ``found`` are as in SettingsError, which it becomes there."""

    def __init__(self, *, expected: str, found: object, hint: str = '') -> None:
        super().__init__(f'expected {expected}, found {found!r}', hint=hint)
        self.expected = expected
        self.found = found


class MissingPackage(RustleError):
    """The Python package ``package`` is not there. The strategy then runs as plain linear and prints this one line."""

    def __init__(self, package: str, *, needed_for: str) -> None:
        super().__init__(f'the Python package {package} is not installed; {needed_for} needs it (pip install {package})')
        self.package = package
