# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which stat an agent may answer itself, and that it says and logs what the module would."""
from __future__ import annotations

import dataclasses
import json
import types

import pytest
from ansible.module_utils.common.json import Direction, get_module_decoder
from ansible.module_utils.testing import patch_module_args
from ansible.modules import stat
from ansible_collections.rustle.engine.plugins.module_utils._agent import messages
from ansible_collections.rustle.engine.plugins.module_utils._agent.glance import glance
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.asking import Asking
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.glancing import hint_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TMP_TOKEN_PREFIX, Branch, Call, ModuleRef, Question, Target
from ansible_collections.rustle.engine.plugins.plugin_utils._run.wire import entry_of

TARGET = Target(key='k', label='l', python='python3', command=lambda text: ([], {}), talk=lambda: None)
CORE = ModuleRef(name='ansible.legacy.stat', fqn='ansible.modules.stat', path=stat.__file__)
ASKED = {'path': '/etc/a file: "ünï"', 'follow': True, 'get_checksum': True, 'get_size': False, 'checksum_algorithm': 'sha1'}
INTERNAL = {'_ansible_no_log': False, '_ansible_debug': False, '_ansible_module_name': 'ansible.legacy.stat', '_ansible_syslog_facility': 'LOG_LOCAL1',
            '_ansible_ignore_unknown_opts': True, '_ansible_target_log_info': None}


def call_of(module: ModuleRef = CORE, env=(), profile='legacy', **args) -> Call:
    given = {name: value for name, value in {**ASKED, **INTERNAL, **args}.items() if value is not ...}
    return Call(target=TARGET, module=module, params=json.dumps({'ANSIBLE_MODULE_ARGS': given}), env=dict(env), profile=profile)


def test_the_hint_says_what_was_asked():
    hint = hint_of(call_of())
    assert hint is not None
    assert (hint['path'], hint['follow'], hint['checksum']) == (ASKED['path'], True, True)
    other = hint_of(call_of(follow=False, get_checksum=False))
    assert other is not None
    assert (other['follow'], other['checksum']) == (False, False)


@pytest.mark.parametrize('args', [{}, {'path': '/nothing/ü here', 'follow': False, 'get_checksum': False}, {'_ansible_syslog_facility': 'none of these'}])
def test_the_line_for_syslog_is_the_modules(monkeypatch, capsys, args):
    said: list[tuple] = []
    import syslog
    monkeypatch.setattr(syslog, 'openlog', lambda *words: said.append(words))
    monkeypatch.setattr(syslog, 'syslog', lambda *words: said.append(words))
    monkeypatch.setattr('ansible.module_utils.basic.has_journal', False)
    with patch_module_args({**ASKED, **INTERNAL, **args}), pytest.raises(SystemExit):
        stat.main()
    modules, said[:] = said[:], []
    assert modules
    hint = hint_of(call_of(**args))
    assert hint is not None
    assert glance(hint) is not None
    assert said == modules
    capsys.readouterr()


@pytest.mark.parametrize('quiet', [True, 'yes'])
def test_without_a_log_there_is_no_line(quiet):
    hint = hint_of(call_of(_ansible_no_log=quiet, path='/a@b\n'))
    assert hint is not None
    assert hint['log'] is None


@pytest.mark.parametrize('change', [
    {'module': dataclasses.replace(CORE, path='/home/me/library/stat.py')},
    {'module': dataclasses.replace(CORE, path=stat.__file__.replace('stat.py', 'file.py'))},
    {'profile': 'modern'},
    {'env': {'TZ': 'UTC'}},
    {'path': 'relative'},
    {'path': '~/x'},
    {'path': '/$HOME/x'},
    {'path': TMP_TOKEN_PREFIX + '0' * 16 + '/source'},
    {'path': ['/x']},
    {'path': '/user:pass@host'},
    {'path': '/line\nbreak'},
    {'path': '/\udcff'},
    {'path': ...},
    {'follow': 'yes'},
    {'get_checksum': None},
    {'checksum_algorithm': 'md5'},
    {'get_mime': False},
    {'_ansible_debug': True},
    {'_ansible_target_log_info': 'run 7'},
], ids=str)
def test_everything_else_the_module_has_to_run_for(change):
    assert hint_of(call_of(**change)) is None


def test_commands_have_no_hint():
    assert hint_of(Call(target=TARGET, argv=('true',))) is None


@pytest.mark.parametrize('path', ['/', '/nothing', __file__])
def test_the_answer_is_read_as_the_modules_would_be(path):
    hint = hint_of(call_of(path=path, _ansible_no_log=True))
    assert hint is not None
    out = glance(hint)
    assert out is not None
    result = json.loads(out, cls=get_module_decoder('legacy', Direction.MODULE_TO_CONTROLLER))
    assert result == json.loads(out)
    assert result['stat']['exists'] is (path != '/nothing')


class Owner(Asking):
    """Asks nobody."""


def question(call: Call, foreseen) -> Question:
    owner = Owner(guard=None)
    owner.foreseen = foreseen
    task = types.SimpleNamespace(until=None, retries=None, ignore_errors=None, failed_when=[], args={})
    return owner.question(types.SimpleNamespace(_task=task, _load_name='copy'), call)


def test_only_a_stat_with_branches_has_one():
    call = call_of()
    branches = (Branch(('same',), None),)
    assert question(call, (call, branches, '0' * 40, True)).stat == hint_of(call)
    assert question(call, None).stat is None
    assert question(call_of(path='/other'), (call, branches, '0' * 40, True)).stat is None


@pytest.mark.parametrize('hinted', [True, False])
def test_it_travels_in_the_first_step(hinted):
    call = call_of()
    then = dataclasses.replace(call, module=dataclasses.replace(CORE, fqn='ansible.modules.copy'))
    asked = Question(call=call, branches=(Branch(('same',), then),), stat=hint_of(call) if hinted else None)
    entry, _calls = entry_of(asked, number=1, lane='a', epoch=1, group=None, blobs=[], payload_of=lambda module: ('0' * 64, ()))
    assert [step.get('stat') for step in entry['steps']][:2] == [hint_of(call) if hinted else None, None]
    header = messages.message('run', entries=[entry], b=[])
    assert messages.receive(messages.Frame(header, ()), messages.TO_AGENT).header is header
