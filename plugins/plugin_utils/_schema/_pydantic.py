# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one door to pydantic. Without the package this file can still be imported; the first use of a model says what to install."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import MissingPackage

__all__ = ['HAS_PYDANTIC', 'BaseModel', 'ConfigDict', 'Field', 'ValidationError', 'create_model', 'field_validator', 'model_validator']

try:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator, model_validator

    HAS_PYDANTIC = True
except ImportError:
    HAS_PYDANTIC = False

    class BaseModel:  # type: ignore[no-redef]
        """Stands in, so that models can be declared."""

        def __init__(self, **values: t.Any) -> None:
            raise MissingPackage('pydantic', needed_for='rustle.engine')

    class ValidationError(Exception):  # type: ignore[no-redef]
        """Never raised without pydantic."""

    def ConfigDict(**options: t.Any) -> t.Any:  # type: ignore[no-redef]
        return options

    def Field(default: t.Any = None, **options: t.Any) -> t.Any:  # type: ignore[no-redef]
        return default

    def field_validator(*fields: str, **options: t.Any) -> t.Any:  # type: ignore[no-redef]
        return lambda function: function

    def model_validator(**options: t.Any) -> t.Any:  # type: ignore[no-redef]
        return lambda function: function

    def create_model(name: str, **fields: t.Any) -> t.Any:  # type: ignore[no-redef]
        return BaseModel
