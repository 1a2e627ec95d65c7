# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stage 1 with every Python that is found here; the agent that it starts is the fake one."""
from __future__ import annotations

import ast
import glob
import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import Done, Lost
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.stage1 import STAGE1, delivery, stage1_command

SHA, MARKER = 'a' * 64, 'f00d' * 8


def pythons() -> list[str]:
    """One interpreter for each minor version from 3.8 up."""
    root = os.environ.get('PYENV_ROOT') or os.path.expanduser('~/.pyenv')
    found = {}
    for minor in range(8, 16):
        paths = [shutil.which(f'python3.{minor}'), *glob.glob(f'{root}/versions/3.{minor}.*/bin/python')]
        for path in paths:
            if path and subprocess.run([path, '-c', ''], capture_output=True, check=False).returncode == 0:
                found[minor] = path
    return list(found.values()) or [sys.executable]


def answer_of(bench) -> dict:
    return json.loads(bench.await_event(Done).steps[0].out)


@pytest.mark.parametrize('python', pythons())
def test_it_starts_an_agent_cold_and_warm(bench, payload, run, python):
    for _start in range(2):
        bench.events.clear()
        connection = bench.connect(payload, python=python)
        connection.send(run())
        answer = answer_of(bench)
        assert answer['path0'] == f'{bench.cache}/{payload.sha}.pyz'
        assert answer['scratch'] is None
        bench.finish(connection)
    assert os.stat(bench.cache).st_mode & 0o777 == 0o700
    assert os.listdir(bench.cache) == [f'{payload.sha}.pyz']


def test_it_is_one_small_line_that_any_shell_can_quote_again():
    command = stage1_command('/usr/bin/python3', SHA, 1000, MARKER)
    assert '\n' not in command
    assert command.count("'") == 2
    assert not set('!\\`$') & set(command)
    assert len(command) < 1800
    assert shlex.split(command)[-3:] == [SHA, MARKER, '1000']


def test_it_survives_further_shells(bench, payload, run):
    def shell(command):
        return f'/bin/sh -c {shlex.quote(command)}'

    bench.connect(payload, wrap=lambda command: shell(shell(command))).send(run())
    bench.await_event(Done)


def test_a_damaged_payload_in_the_cache_is_replaced(bench, payload, run):
    os.makedirs(bench.cache, mode=0o700)
    path = f'{bench.cache}/{payload.sha}.pyz'
    with open(path, 'wb') as file:
        file.write(b'\0' * payload.size)
    bench.connect(payload).send(run())
    bench.await_event(Done)
    with open(path, 'rb') as file:
        assert file.read() == payload.data


@pytest.mark.parametrize('mode', [0o777, 0o770])
def test_a_cache_that_others_may_write_is_neither_believed_nor_written(bench, payload, run, mode):
    os.makedirs(bench.cache)
    with open(f'{bench.cache}/{payload.sha}.pyz', 'wb') as file:
        file.write(payload.data)
    os.chmod(bench.cache, mode)
    connection = bench.connect(payload)
    connection.send(run())
    scratch = answer_of(bench)['scratch']
    assert os.path.dirname(scratch) != bench.cache
    assert os.stat(scratch).st_mode & 0o777 == 0o700
    bench.finish(connection)
    assert not os.path.exists(scratch)


def test_a_cache_that_cannot_be_made_is_no_obstacle(bench, payload, run, tmp_path):
    (tmp_path / 'file').write_text('in the way')
    bench.cache = str(tmp_path / 'file' / 'cache')
    connection = bench.connect(payload)
    connection.send(run())
    assert answer_of(bench)['scratch']
    bench.finish(connection)


def test_without_an_order_the_cache_is_below_the_home(bench, payload, run, tmp_path):
    home = tmp_path / 'home'
    home.mkdir()
    bench.cache = ''
    bench.connect(payload, env={'HOME': str(home)}).send(run())
    assert answer_of(bench)['path0'] == f'{home}/.ansible/rustle/{payload.sha}.pyz'
    assert (home / '.ansible').stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason='only root can be given the home of somebody else')
def test_the_home_of_another_user_is_no_place_for_code(bench, payload, run, tmp_path):
    home = tmp_path / 'home'
    home.mkdir()
    os.chown(home, 12345, 12345)
    bench.cache = ''
    connection = bench.connect(payload, env={'HOME': str(home)})
    connection.send(run())
    assert answer_of(bench)['scratch']
    bench.finish(connection)


@pytest.mark.parametrize('name', ['base64', 'hashlib', 'zlib', 'tempfile', 'zipimport'])
def test_files_in_the_working_folder_are_not_imported(bench, payload, run, tmp_path, name):
    (tmp_path / f'{name}.py').write_text('raise SystemExit("imported from the working folder")')
    bench.connect(payload, cwd=str(tmp_path)).send(run())
    bench.await_event(Done)


def test_what_arrives_before_and_behind_the_payload_is_the_agents(payload, tmp_path, run):
    frames = framing.encode(run(entry=1)), framing.encode(run(entry=2)), framing.encode({'t': 'bye'})
    stdin = frames[0] + delivery(payload.data, MARKER) + frames[1] + frames[2]
    output = subprocess.run(
        shlex.split(stage1_command(sys.executable, payload.sha, payload.size, MARKER)), input=stdin, stdout=subprocess.PIPE,
        env={**os.environ, 'RUSTLE_AGENT_CACHE': str(tmp_path / 'c')}, check=True).stdout
    line, _newline, rest = output.partition(b'\n')
    assert line == b'RUSTLE-NEED ' + MARKER.encode()
    headers = [frame.header for frame in framing.Decoder().feed(rest)]
    assert [header.get('id') for header in headers if header['t'] == 'done'] == [1, 2]


def test_a_payload_that_arrives_damaged_is_not_run(payload, tmp_path):
    stdin = delivery(payload.data[:-1] + b'X', MARKER)
    done = subprocess.run(
        shlex.split(stage1_command(sys.executable, payload.sha, payload.size, MARKER)), input=stdin, capture_output=True,
        env={**os.environ, 'RUSTLE_AGENT_CACHE': str(tmp_path / 'c')}, check=False)
    assert done.returncode == 1
    assert b'damaged' in done.stderr
    assert not (tmp_path / 'c').exists()


def test_a_payload_that_ends_early_is_told(bench, payload, tmp_path):
    done = subprocess.run(
        shlex.split(stage1_command(sys.executable, payload.sha, payload.size, MARKER)), input=b'', capture_output=True,
        env={**os.environ, 'RUSTLE_AGENT_CACHE': str(tmp_path / 'c')}, check=False)
    assert done.returncode == 1
    assert b'the connection ended before the payload was here' in done.stderr


def test_it_is_written_for_the_oldest_python_we_serve():
    ast.parse(STAGE1, feature_version=(3, 8))


def test_a_python_that_is_too_old_is_lost_with_its_own_words(bench, payload):
    bench.connect(payload, python='echo no such version >&2; false')
    lost = bench.await_event(Lost)
    assert lost.phase == 'connect'
    assert 'no such version' in lost.stderr
