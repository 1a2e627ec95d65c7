# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
import datetime
import glob
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
from ansible._internal._ansiballz._builder import ExtensionManager
from ansible.executor import module_common
from ansible.plugins.loader import module_loader, module_utils_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import payload as payload_room
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload_cache import PayloadCache, default_folder
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload_files import Analyst, ModuleFiles
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef
from hypothesis import given
from hypothesis import strategies as st

LONG_AGO = 1_600_000_000


def core(*names: str) -> list[ModuleRef]:
    return [ModuleRef(name, f'ansible.modules.{name}', module_loader.find_plugin(f'ansible.builtin.{name}')) for name in names]


def contents(payload) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(payload.read())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, text: str, *, when: int = LONG_AGO) -> str:
    """A file that was not changed while a test runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (when, when))
    return str(path)


@pytest.fixture
def role_module(tmp_path):
    """A module beside a playbook or in a role: ansible.legacy.<name>."""

    def make(name: str, *, folder: str = 'library', imports: str = 'from ansible.module_utils.basic import AnsibleModule') -> ModuleRef:
        return ModuleRef(name, f'ansible.legacy.{name}', write(tmp_path / folder / f'{name}.py', f'{imports}\n'))

    return make


@pytest.fixture
def module_utils(tmp_path):
    """A folder of module_utils as a role or a playbook has one."""
    folder = tmp_path / 'module_utils'
    folder.mkdir()
    module_utils_loader.add_directory(str(folder))
    yield folder
    module_utils_loader._extra_dirs.remove(str(folder))
    module_utils_loader._paths = None
    module_utils_loader._plugin_path_cache.clear()


@pytest.fixture
def cache(tmp_path):
    return str(tmp_path / 'cache')


@pytest.fixture
def no_analysis(monkeypatch):
    """Whoever analyses a module from now on fails the test."""

    def forbid():
        def analyse(_self, source):
            pytest.fail(f'{source.name} is analysed again')

        monkeypatch.setattr(Analyst, 'analyse', analyse)

    return forbid


def test_a_payload_holds_what_stock_would_send_for_each_module(cache):
    sources = core('ping', 'command', 'setup', 'uri')
    built = contents(PayloadBuilder(cache).build(sources)[0])
    stock: dict[str, bytes] = {}
    for source in sources:
        output = io.BytesIO()
        with open(source.path, 'rb') as file:
            code = file.read()
        with zipfile.ZipFile(output, 'w') as archive:
            now, extensions = datetime.datetime.now(datetime.UTC), ExtensionManager.create(task_vars={})
            module_common.recursive_finder(source.name, source.fqn, code, archive, now, extensions)
            module_common._add_module_to_zip(archive, now, source.fqn, code, source.path, extensions)
        with zipfile.ZipFile(output) as archive:
            stock.update({name: archive.read(name) for name in archive.namelist()})
    assert {name: data for name, data in built.items() if name.startswith('ansible/')} == stock
    others = {name.partition('/')[0] for name in built if not name.startswith('ansible/')}
    assert others == {'__main__.py', 'sitecustomize.py', 'manifest.json', 'rustle_agent'}


def test_the_manifest_and_the_payload_name_the_utils_of_each_module(cache):
    payload = PayloadBuilder(cache).build(core('command', 'ping'))[0]
    manifest = json.loads(contents(payload)['manifest.json'])
    assert manifest['format'] == 1
    assert manifest['modules'] == {fqn: list(utils) for fqn, utils in payload.modules.items()}
    assert payload.modules['ansible.modules.ping'] == ('ansible.module_utils.basic',)
    assert 'ansible.module_utils.common.text.converters' in payload.modules['ansible.modules.command']
    assert payload.profiles == {'ansible.modules.command': 'legacy', 'ansible.modules.ping': 'legacy'}


def test_the_same_modules_give_the_same_payload_in_any_order(tmp_path):
    one = PayloadBuilder(str(tmp_path / 'one')).build(core('ping', 'stat'))
    other = PayloadBuilder(str(tmp_path / 'other')).build(core('stat', 'ping', 'stat'))
    assert [payload.sha for payload in one] == [payload.sha for payload in other]
    assert one[0].size == len(one[0].read())


def test_no_modules_give_the_agent_alone(cache):
    payload = PayloadBuilder(cache).build([])[0]
    assert payload.modules == {}
    assert 'rustle_agent/framing.py' in contents(payload)


def test_modules_that_disagree_get_payloads_of_their_own(cache, role_module):
    one = role_module('thing', folder='roles/a')
    other = role_module('thing', folder='roles/b', imports='import os\nimport ansible.module_utils.basic')
    sources = [*core('ping', 'stat'), one, other]
    payloads = PayloadBuilder(cache).build(sources)
    assert len(payloads) == 2
    assert [sum(source in payload for payload in payloads) for source in sources] == [1, 1, 1, 1]
    for source in sources:
        payload = next(payload for payload in payloads if source in payload)
        with open(source.path, 'rb') as file:
            assert contents(payload)[source.fqn.replace('.', '/') + '.py'] == file.read()


@given(st.lists(st.dictionaries(st.sampled_from('abcd'), st.sampled_from([b'1', b'2']), max_size=4), max_size=8))
def test_each_module_is_in_one_group_and_in_a_group_a_path_has_one_content(file_sets):
    answers = [
        ModuleFiles(ModuleRef(str(number), str(number), ''), files, {}, (), 'legacy', frozenset())
        for number, files in enumerate(file_sets)]
    groups = payload_room._grouped(answers)
    assert groups
    assert sorted(answer.source.fqn for group in groups for answer in group) == sorted(answer.source.fqn for answer in answers)
    for group in groups:
        for path in 'abcd':
            assert len({answer.files[path] for answer in group if path in answer.files}) <= 1


def test_a_warm_build_analyses_nothing(cache, no_analysis):
    sources = core('ping', 'stat', 'copy')
    first = PayloadBuilder(cache).build(sources)
    no_analysis()
    assert PayloadBuilder(cache).build(sources) == first


def test_another_set_of_known_modules_analyses_nothing(cache, no_analysis):
    PayloadBuilder(cache).build(core('ping', 'stat'))
    no_analysis()
    assert [set(payload.modules) for payload in PayloadBuilder(cache).build(core('ping'))] == [{'ansible.modules.ping'}]


def test_a_changed_module_changes_the_payload(cache, role_module):
    builder = PayloadBuilder(cache)
    before = builder.build([role_module('thing')])
    after = builder.build([role_module('thing', imports='import json\nfrom ansible.module_utils.basic import AnsibleModule')])
    assert before[0].sha != after[0].sha


def test_a_changed_util_changes_the_payload(cache, module_utils, role_module):
    module = role_module('thing', imports='from ansible.module_utils.mine import x')
    util = module_utils / 'mine.py'
    write(util, 'x = 1\n')
    builder = PayloadBuilder(cache)
    assert contents(builder.build([module])[0])['ansible/module_utils/mine.py'] == b'x = 1\n'
    write(util, 'x = 2\n', when=LONG_AGO + 1)
    assert contents(builder.build([module])[0])['ansible/module_utils/mine.py'] == b'x = 2\n'


def test_a_util_that_appears_in_front_of_the_one_taken_is_seen(cache, module_utils):
    builder = PayloadBuilder(cache)
    before = builder.build(core('ping'))[0]
    write(module_utils / 'basic.py', 'class AnsibleModule: pass\n')
    after = builder.build(core('ping'))[0]
    assert before.sha != after.sha
    assert contents(after)['ansible/module_utils/basic.py'] == b'class AnsibleModule: pass\n'
    os.unlink(module_utils / 'basic.py')
    assert builder.build(core('ping'))[0] == before


def test_an_optional_util_that_appears_is_seen(cache, module_utils, role_module):
    module = role_module('thing', imports='try:\n    from ansible.module_utils.maybe import x\nexcept ImportError:\n    x = None')
    builder = PayloadBuilder(cache)
    assert 'ansible/module_utils/maybe.py' not in contents(builder.build([module])[0])
    write(module_utils / 'maybe.py', 'x = 1\n')
    assert 'ansible/module_utils/maybe.py' in contents(builder.build([module])[0])


def test_what_changes_while_it_is_read_is_not_remembered(cache, role_module):
    module = role_module('thing')
    os.utime(module.path, (1 << 32, 1 << 32))
    PayloadBuilder(cache).build([module])
    assert glob.glob(f'{cache}/*.json') == []


@pytest.mark.parametrize('damage', [b'', b'{', b'[]', b'{"key": 1}', b'null'])
def test_damaged_records_are_made_again(cache, damage):
    first = PayloadBuilder(cache).build(core('ping'))
    for path in glob.glob(f'{cache}/*.json'):
        with open(path, 'wb') as file:
            file.write(damage)
    assert PayloadBuilder(cache).build(core('ping')) == first


@pytest.mark.parametrize('key', ['payloads', 'files'])
def test_records_of_another_shape_are_made_again(cache, key):
    first = PayloadBuilder(cache).build(core('ping'))
    for path in glob.glob(f'{cache}/*.json'):
        with open(path, encoding='utf-8') as file:
            record = json.load(file)
        record['value'] = {key: [{'sha': 1}]}
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(record, file)
    assert PayloadBuilder(cache).build(core('ping')) == first


@pytest.mark.parametrize('damage', [b'', b'not a payload', None])
def test_a_damaged_archive_is_made_again(cache, damage):
    first = PayloadBuilder(cache).build(core('ping'))[0]
    if damage is None:
        os.unlink(first.path)
    else:
        with open(first.path, 'wb') as file:
            file.write(damage)
    again = PayloadBuilder(cache).build(core('ping'))[0]
    assert again.read() == first.read()
    with open(first.path, 'rb') as file:
        assert file.read() == first.read()


def test_the_cache_is_private(cache):
    payload = PayloadBuilder(cache).build(core('ping'))[0]
    assert os.stat(cache).st_mode & 0o777 == 0o700
    assert os.stat(payload.path).st_mode & 0o077 == 0


def test_a_cache_that_others_may_write_is_not_believed(cache, role_module):
    PayloadBuilder(cache).build([])
    os.chmod(cache, 0o777)
    held = set(os.listdir(cache))
    payload = PayloadBuilder(cache).build([role_module('thing')])[0]
    assert payload.read()
    assert set(os.listdir(cache)) == held


def test_without_a_cache_payloads_are_built_all_the_same(tmp_path):
    (tmp_path / 'file').write_text('in the way')
    payload = PayloadBuilder(str(tmp_path / 'file' / 'cache')).build(core('ping'))[0]
    assert len(payload.read()) == payload.size


def test_what_was_used_least_recently_goes_first(tmp_path):
    cache = PayloadCache(str(tmp_path / 'cache'), limit=900)
    for number in range(5):
        cache.remember(f'key{number}', {'data': 'x' * 250}, watched=[], since=0)
        os.utime(tmp_path / 'cache' / f'key{number}.json', (number, number))
    cache.recall('key2')
    cache.remember('key9', {}, watched=[], since=0)
    (tmp_path / 'cache' / 'not ours').write_text('x' * 5000)
    cache.remember('key9', {}, watched=[], since=0)
    assert sorted(os.listdir(tmp_path / 'cache')) == ['key2.json', 'key4.json', 'key9.json', 'not ours']


def test_a_tilde_in_a_setting_is_the_home(monkeypatch):
    monkeypatch.setenv('HOME', '/home/u')
    assert PayloadCache('~/cache').folder == '/home/u/cache'


def test_the_users_cache_folder_is_where_the_environment_says(monkeypatch):
    monkeypatch.setenv('HOME', '/home/u')
    monkeypatch.delenv('RUSTLE_CACHE_DIR', raising=False)
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    assert default_folder() == '/home/u/.cache/rustle'
    monkeypatch.setenv('XDG_CACHE_HOME', '/var/xdg')
    assert default_folder() == '/var/xdg/rustle'
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    assert default_folder() == '/home/u/.cache/rustle'
    monkeypatch.setenv('RUSTLE_CACHE_DIR', '/own')
    assert default_folder() == '/own'


def test_a_module_that_stock_cannot_build_is_refused_and_holds_up_no_other(cache, role_module):
    broken = role_module('broken', imports='from ansible.module_utils.does_not_exist import x')
    wrong = role_module('wrong', imports='from ansible.module_utils.basic import (')
    missing = dataclasses.replace(broken, path='/does/not/exist.py')
    builder = PayloadBuilder(cache)
    payloads = builder.build([broken, wrong, missing, *core('ping')])
    assert [set(payload.modules) for payload in payloads] == [{'ansible.modules.ping'}]
    assert set(builder.refused) == {broken, wrong, missing}
    assert 'does_not_exist' in builder.refused[broken]
    builder.build(core('ping'))
    assert builder.refused == {}


def test_a_debugger_or_coverage_makes_every_module_stocks(cache, monkeypatch):
    monkeypatch.setenv('_ANSIBLE_ANSIBALLZ_COVERAGE_CONFIG', json.dumps({'config': '/c', 'output': '/o'}))
    builder = PayloadBuilder(cache)
    assert builder.build(core('ping'))[0].modules == {}
    assert 'extensions' in builder.refused[core('ping')[0]]


COLLECTIONS = '''
import json, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef
builder = PayloadBuilder(sys.argv[1])
prefix = 'ansible_collections.my.own.plugins.modules.'
payloads = builder.build(ModuleRef(path.rpartition('/')[2][:-3], prefix + path.rpartition('/')[2][:-3], path) for path in sys.argv[2:])
print(json.dumps([
    [[payload.sha, payload.path, dict(payload.modules)] for payload in payloads], {ref.name: why for ref, why in builder.refused.items()}]))
'''


def test_modules_of_collections(tmp_path, cache):
    """In a process of its own: the places of collections are fixed when Ansible's loader starts."""
    own = tmp_path / 'ansible_collections' / 'my' / 'own'
    write(own / 'galaxy.yml', 'namespace: my\nname: own\nversion: 1.0.0\n')
    write(own / 'meta' / 'runtime.yml', 'plugin_routing:\n  module_utils:\n    moved: {redirect: my.own.real}\n'
          '    old: {redirect: my.own.real, deprecation: {warning_text: use real, removal_version: 9.0.0}}\n')
    write(own / 'plugins' / 'module_utils' / 'real.py', 'y = 1\n')
    mods = own / 'plugins' / 'modules'
    paths = [
        write(mods / 'plain.py', 'from ansible.module_utils.basic import AnsibleModule\nfrom ..module_utils.real import y\n'),
        write(mods / 'moved.py', 'from ansible_collections.my.own.plugins.module_utils.moved import y\n'),
        write(mods / 'old.py', 'from ansible_collections.my.own.plugins.module_utils.old import y\n'),
    ]
    roots = [path for path in sys.path if os.path.isdir(os.path.join(path, 'ansible_collections', 'rustle'))]
    collections = os.pathsep.join([str(tmp_path), *roots, os.environ.get('ANSIBLE_COLLECTIONS_PATH', '')])
    env = {**os.environ, 'ANSIBLE_COLLECTIONS_PATH': collections, 'PYTHONPATH': os.pathsep.join(roots)}

    def build():
        done = subprocess.run([sys.executable, '-c', COLLECTIONS, cache, *paths], env=env, capture_output=True, text=True, check=True)
        assert 'use real' not in done.stderr  # stock says it when the module runs
        return json.loads(done.stdout)

    ((sha, path, modules),), refused = build()
    prefix = 'ansible_collections.my.own.plugins.'
    assert modules == {
        f'{prefix}modules.moved': [f'{prefix}module_utils.moved'],
        f'{prefix}modules.plain': ['ansible.module_utils.basic', f'{prefix}module_utils.real'],
    }
    assert 'use real' in refused['old']
    with zipfile.ZipFile(path) as archive:
        assert archive.read('ansible_collections/my/own/plugins/module_utils/real.py') == b'y = 1\n'
        assert b'module_utils.real' in archive.read('ansible_collections/my/own/plugins/module_utils/moved/__init__.py')
    write(own / 'plugins' / 'module_utils' / 'other.py', 'y = 2\n')
    write(own / 'meta' / 'runtime.yml', 'plugin_routing:\n  module_utils:\n    moved: {redirect: my.own.other}\n'
          '    old: {redirect: my.own.real, deprecation: {warning_text: use real, removal_version: 9.0.0}}\n', when=LONG_AGO + 1)
    ((other_sha, other_path, _modules),), _refused = build()
    assert other_sha != sha
    with zipfile.ZipFile(other_path) as archive:
        assert archive.read('ansible_collections/my/own/plugins/module_utils/other.py') == b'y = 2\n'
