# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real builder, the real agent, real modules, through a local shell."""
from __future__ import annotations

import glob
import json
import os
import select
import subprocess
import sys

import pytest
from ansible.plugins.loader import module_loader
from ansible_collections.rustle.engine.plugins.module_utils._agent import messages
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import Done, Lost, Ready, Started
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.launch import Launch
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import BecomeTalk, ModuleRef

# the modules of the benchmark small40, and those that gather facts
USED = ('blockinfile', 'command', 'copy', 'file', 'find', 'lineinfile', 'ping', 'replace', 'slurp', 'stat')
INTERNAL = {'_ansible_keep_remote_files': False, '_ansible_remote_tmp': '~/.ansible/tmp', '_ansible_tracebacks_for': []}


def refs(*names: str) -> list[ModuleRef]:
    return [ModuleRef(name, f'ansible.modules.{name}', module_loader.find_plugin(f'ansible.builtin.{name}')) for name in names]


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    builder = PayloadBuilder(str(tmp_path_factory.mktemp('controller')))
    payloads = builder.build(refs(*USED))
    assert builder.refused == {}
    assert len(payloads) == 1
    return payloads[0]


def entry(payload, number: int, name: str, **args) -> dict:
    fqn = f'ansible.modules.{name}'
    step = {
        'k': 'module', 'fqn': fqn, 'name': name, 'payload': payload.sha, 'params': json.dumps({'ANSIBLE_MODULE_ARGS': {**INTERNAL, **args}}),
        'profile': payload.profiles[fqn], 'rlimit': 0, 'env': {}, 'cwd': None, 'only': None, 'utils': list(payload.modules[fqn])}
    return {'id': number, 'lane': 'host', 'epoch': 1, 'steps': [step], 'tmp': None, 'token': None, 'group': None,
            'go_on_failed': False, 'facts_expected': False, 'judge': False, 'timeout': None}


def hello(connection) -> None:
    connection.send(messages.message('hello', v=1, cache_limit=64 << 20))


def results(bench) -> dict:
    return {event.id: json.loads(event.steps[-1].out) for event in bench.events if isinstance(event, Done)}


@pytest.mark.parametrize('start', ['cold', 'warm', 'after another'])
def test_modules_run(bench, built, tmp_path, start):
    for _before in range({'cold': 0, 'warm': 1, 'after another': 2}[start]):
        earlier = bench.connect(built)
        hello(earlier)
        bench.finish(earlier)
    bench.events.clear()
    connection = bench.make(built)
    hello(connection)
    connection.send(messages.message('run', entries=[
        entry(built, 1, 'ping', data='hi'),
        entry(built, 2, 'command', _raw_params='echo $0; echo two', _uses_shell=True),
        entry(built, 3, 'stat', path=str(tmp_path)),
    ]))
    connection.start()
    bench.until(lambda: len(results(bench)) == 3)
    answers = results(bench)
    assert answers[1]['ping'] == 'hi'
    assert (answers[2]['rc'], answers[2]['stdout']) == (0, '/bin/sh\ntwo')
    assert answers[3]['stat']['isdir'] is True
    assert connection.ready.info.sha == built.sha
    assert (connection.bytes_up > 20_000) is (start == 'cold')
    bench.finish(connection)
    assert connection.poll_exit() == 0


def test_a_first_run_of_the_benchmark_sends_less_than_its_budget(bench, built):
    connection = bench.connect(built)
    hello(connection)
    bench.await_event(Ready)
    # 2 kB of it is standalone.py: one archive for runs, `present` and `--run`, so that its sum means the same everywhere; 1 kB is vitals.py
    assert connection.bytes_up < 185_000


def test_with_facts_it_is_still_within_the_budget(bench, tmp_path):
    payload = PayloadBuilder(str(tmp_path / 'controller')).build(refs(*USED, 'setup'))[0]
    connection = bench.connect(payload)
    hello(connection)
    bench.await_event(Ready)
    assert connection.bytes_up < 260_000


def test_become_with_a_password(bench, built):
    talk = BecomeTalk(
        password=b'secret', is_prompt=lambda output: output.strip().startswith(b'[become] password:'),
        is_success=lambda output: b'BECOME-SUCCESS-abc' in output, is_wrong_password=lambda output: b'Sorry' in output,
        is_missing_password=lambda output: b'required' in output)
    before = 'printf "[become] password: " >&2; IFS= read -r word; [ "$word" = secret ] || exit 1; echo BECOME-SUCCESS-abc; '
    connection = bench.make(built, before=before, talk=talk)
    hello(connection)
    connection.send(messages.message('run', entries=[entry(built, 1, 'ping')]))
    connection.start()
    bench.until(lambda: 1 in results(bench))
    assert results(bench)[1]['ping'] == 'pong'


def test_an_agent_that_is_killed_is_lost_while_running(bench, built):
    connection = bench.connect(built)
    hello(connection)
    ready = bench.await_event(Ready)
    connection.send(messages.message('run', entries=[entry(built, 1, 'command', _raw_params='sleep 600')]))
    bench.await_event(Started)
    os.kill(ready.info.pid, 9)
    lost = bench.await_event(Lost)
    assert lost.phase == 'running'
    assert connection.unsent == []


def test_what_the_agent_refuses_is_told_by_it(bench, built):
    connection = bench.connect(built)
    connection.send(messages.message('run', entries=[]))  # no hello
    lost = bench.await_event(Lost)
    assert 'the agent says' in lost.message


def test_a_host_that_cannot_keep_the_payload_works_and_is_left_clean(bench, built, tmp_path):
    (tmp_path / 'file').write_text('in the way')
    temporary = tmp_path / 'temporary'
    temporary.mkdir()
    bench.cache = str(tmp_path / 'file' / 'cache')
    for ending in ('finish', 'kill the agent'):
        bench.events.clear()
        connection = bench.make(built, env={'TMPDIR': str(temporary)})
        hello(connection)
        connection.send(messages.message('run', entries=[entry(built, 1, 'ping')]))
        connection.start()
        bench.until(lambda: 1 in results(bench))
        assert glob.glob(f'{temporary}/rustle-*/{built.sha}.pyz')
        if ending == 'finish':
            bench.finish(connection)
        else:
            os.kill(connection.ready.info.pid, 9)
            bench.await_event(Lost)
        assert os.listdir(temporary) == []


def test_an_orphan_of_the_controller_does_not_keep_the_agent(bench, built):
    alive, held_by_agent = os.pipe()
    orphan_waits, orphan_may_end = os.pipe()
    launch = bench.launch(built)
    connection = bench.connect(built, launch=Launch(**{**vars(launch), 'pass_fds': (held_by_agent,)}))
    os.close(held_by_agent)
    hello(connection)
    bench.await_event(Ready)
    orphan = os.fork()
    if orphan == 0:
        os.close(orphan_may_end)
        os.read(orphan_waits, 1)
        os._exit(0)
    try:
        connection._release()  # as if the controller had died
        readable, _w, _x = select.select([alive], [], [], 60)
        assert readable and os.read(alive, 1) == b'', 'the agent is still there'
    finally:
        os.close(orphan_may_end)
        os.waitpid(orphan, 0)
        os.close(alive)
        os.close(orphan_waits)


def test_a_payload_tells_what_is_in_it(built, tmp_path):
    path = tmp_path / 'copy.pyz'
    path.write_bytes(built.read())
    about = json.loads(subprocess.run([sys.executable, str(path), '--info'], capture_output=True, check=True).stdout)
    assert about['sha'] == built.sha
    assert sorted(about['modules']) == [f'ansible.modules.{name}' for name in USED]
    assert about['python'] in ('3.8', '3.9')
