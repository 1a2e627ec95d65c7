# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is remembered is what would be answered again."""
from __future__ import annotations

import pkgutil

import pytest
from ansible import constants as C
from ansible.module_utils._internal import _traceback
from ansible.plugins.loader import filter_loader, module_loader, test_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import memo


@pytest.fixture(autouse=True)
def installed():
    memo.install()
    yield
    memo.uninstall()


@pytest.mark.parametrize(('loader', 'name'), [(filter_loader, 'upper'), (test_loader, 'even')])
def test_a_name_that_no_plugin_has_is_looked_for_once(loader, name, monkeypatch):
    first = loader.get_with_context(name)
    monkeypatch.setattr(pkgutil, 'iter_modules', lambda *_args, **_kwargs: pytest.fail('looked for again'))
    assert first.object is None
    assert loader.get_with_context(name).object is None


def test_a_filter_of_a_role_is_found_when_its_folder_is_known(tmp_path):
    assert filter_loader.get('rustle_shout') is None
    (tmp_path / 'shout.py').write_text(
        'class FilterModule:\n    def filters(self):\n        return {"rustle_shout": lambda text: text.upper() + "!"}\n')
    filter_loader.add_directory(str(tmp_path))
    assert filter_loader.get('rustle_shout').j2_function('hey') == 'HEY!'


def test_filters_of_ansible_are_found_each_time():
    assert filter_loader.get('to_json') is not None
    assert filter_loader.get('to_json') is not None


def test_a_place_is_found_again():
    first = module_loader.find_plugin_with_context('ping')
    again = module_loader.find_plugin_with_context('ping')
    assert first.resolved and again.plugin_resolved_path == first.plugin_resolved_path
    assert not module_loader.find_plugin_with_context('no_such_module').resolved


def test_values_of_the_configuration_are_theirs_and_variables_win():
    assert C.config.get_config_value('DEFAULT_FORKS') == C.config.get_config_value('DEFAULT_FORKS') == C.DEFAULT_FORKS
    name = C.config.get_configuration_definition('INTERPRETER_PYTHON')['vars'][0]['name']
    before = C.config.get_config_value('INTERPRETER_PYTHON')
    assert C.config.get_config_value('INTERPRETER_PYTHON', variables={name: '/my/python'}) == '/my/python'
    assert C.config.get_config_value('INTERPRETER_PYTHON') == before


def test_a_list_of_the_configuration_may_be_changed_by_who_asked():
    C.config.get_config_value('DISPLAY_TRACEBACK').append('mine')
    assert 'mine' not in C.config.get_config_value('DISPLAY_TRACEBACK')
    assert _traceback.is_traceback_enabled(_traceback.TracebackEvent.ERROR) is False
