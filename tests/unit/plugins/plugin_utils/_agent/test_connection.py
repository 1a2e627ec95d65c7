# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import os
import select

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import Done, Dropped, Lost, Need, Ready, Started
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.launch import Launch


def outcome(connection):
    """The exit status as a shell tells it, whether the shell waited for the agent or became it."""
    rc = connection.poll_exit()
    return 128 - rc if rc < 0 else rc


def test_a_cold_host_gets_the_payload_and_a_warm_one_does_not(bench, payload, run):
    up = []
    for _start in range(2):
        bench.events.clear()
        connection = bench.connect(payload)
        connection.send(run())
        done = bench.await_event(Done)
        assert bench.kinds() == ['Ready', 'Started', 'Done']
        assert connection.ready.info.sha == payload.sha
        answer = json.loads(done.steps[0].out)
        assert answer['path0'] == answer['argv'][0] == f'{bench.cache}/{payload.sha}.pyz'
        up.append(connection.bytes_up)
        bench.finish(connection)
        assert connection.poll_exit() == 0
    assert up[1] < 600 < up[0] < payload.size / 10  # the fake payload packs well


def test_messages_may_be_queued_before_the_start(bench, payload, run):
    connection = bench.make(payload)
    connection.send(run(entry=5))
    assert [header['t'] for header in connection.unsent] == ['run']
    connection.start()
    assert bench.await_event(Done).id == 5
    assert connection.unsent == []


def test_every_message_of_the_agent_becomes_an_event(bench, payload, run):
    connection = bench.connect(payload)
    connection.send(run('need', 1))
    connection.send(run('drop', 2))
    connection.send(run('echo', 3), [b'12', b'345'])
    done = bench.await_event(Done)
    assert isinstance(bench.events[0], Ready)
    assert bench.events[1:5] == [Started(1), Need(('a' * 64,)), Started(2), Dropped('drop', (2,))]
    step = done.steps[0]
    assert (step.i, step.rc, step.err, step.start, step.end, step.utime, step.stime, step.maxrss, step.inblock, step.oublock) == (
        0, 0, b'eeeee', 1.0, 2.5, 0.1, 0.2, 3, 4, 5)


def test_big_frames_do_not_block_and_arrive_whole(bench, payload, run):
    size = 20 << 20
    connection = bench.connect(payload)
    connection.send(run('echo', 1), [os.urandom(size)])
    assert connection.unsent, 'more than a pipe holds cannot be gone yet'
    done = bench.await_event(Done)
    assert len(done.steps[0].err) == size
    assert connection.unsent == []
    assert connection.bytes_up > size


def test_what_a_deaf_agent_did_not_take_is_known_as_unsent(bench, payload, run):
    connection = bench.connect(payload)
    connection.send(run('deaf', 1))
    bench.await_event(Started)
    connection.send(run('echo', 2), [os.urandom(1 << 20)])
    connection.send(run('echo', 3))
    connection.kill()
    assert [header['entries'][0]['id'] for header in connection.unsent] == [2, 3]


@pytest.mark.parametrize('noise', ['echo Welcome to this host; ', 'printf "no newline at the end"; ', 'echo "RUSTLE-HAVE somebody else"; '])
def test_what_a_login_prints_first_is_skipped(bench, payload, run, noise):
    bench.connect(payload, before=noise).send(run())
    bench.await_event(Done)


def test_endless_noise_is_no_agent(bench, payload):
    bench.connect(payload, before='yes; ')
    lost = bench.await_event(Lost)
    assert lost.phase == 'connect'
    assert '64 KiB' in lost.message


def test_a_command_that_cannot_be_started_is_lost_at_once(bench, payload):
    bench.connect(payload, launch=Launch(key='k', label='h', argv=(b'/does/not/exist',), marker='m'))
    assert bench.kinds() == ['Lost']
    assert (bench.events[0].phase, bench.events[0].rc) == ('connect', None)
    assert bench.connections[0].closed


def test_a_missing_interpreter_is_told_with_the_shells_words(bench, payload):
    bench.connect(payload, python='/no/such/python')
    lost = bench.await_event(Lost)
    assert (lost.phase, lost.rc) == ('connect', 127)
    assert '/no/such/python' in lost.stderr
    assert '/no/such/python' in lost.message


def test_an_agent_that_cannot_start_is_lost_in_phase_start(bench, fake_payload):
    bench.connect(fake_payload('raise SystemExit("cannot start here")'))
    lost = bench.await_event(Lost)
    assert (lost.phase, lost.rc) == ('start', 1)
    assert 'cannot start here' in lost.message


@pytest.mark.parametrize(('lane', 'rc', 'words'), [
    ('die', 7, 'about to die'),
    ('sigkill', 137, 'the connection to the agent ended'),
    ('truncate', 0, 'the connection to the agent ended'),
    ('garbage', None, 'broke the protocol'),
    ('error', None, 'did not like it'),
])
def test_an_agent_that_ends_unasked_is_lost_while_running(bench, payload, run, lane, rc, words):
    connection = bench.connect(payload)
    bench.await_event(Ready)
    connection.send(run(lane))
    lost = bench.await_event(Lost)
    assert lost.phase == 'running'
    assert words in lost.message
    assert rc is None or outcome(connection) == rc
    assert bench.kinds() == ['Ready', *(['Started'] if lane != 'garbage' else []), 'Lost']
    assert connection.closed
    assert not bench.selector.get_map()


def test_close_lets_the_agent_say_what_is_left(bench, payload, run):
    connection = bench.connect(payload)
    connection.send(run())
    connection.close()
    bench.until(lambda: connection.closed)
    assert bench.kinds() == ['Ready', 'Started', 'Done']
    assert connection.poll_exit() == 0
    connection.close()
    connection.kill()


def test_kill_ends_it_without_an_event(bench, payload):
    connection = bench.connect(payload)
    bench.await_event(Ready)
    connection.kill()
    assert connection.closed
    assert outcome(connection) == 137
    assert bench.kinds() == ['Ready']
    assert not bench.selector.get_map()


def test_an_owner_may_kill_from_within_an_event(bench, payload, run):
    seen = []

    def on_event(connection, event):
        seen.append(type(event).__name__)
        connection.kill()

    connection = bench.connect(payload, on_event=on_event)
    connection.send(run())
    bench.until(lambda: connection.closed)
    assert seen == ['Ready']


def test_sending_to_what_is_over_is_remembered_as_unsent(bench, payload, run):
    connection = bench.connect(payload)
    connection.kill()
    connection.send(run())
    assert [header['t'] for header in connection.unsent] == ['run']


def test_a_greeting_must_come_first(bench, fake_payload):
    bench.connect(fake_payload(
        'import os\nfrom rustle_agent import framing\nos.write(1, framing.encode({"t": "started", "id": 1}))\nos.read(0, 1)'))
    lost = bench.await_event(Lost)
    assert lost.phase == 'start'
    assert 'expected ready first' in lost.message


def test_the_tail_of_stderr_is_kept_and_the_rest_drained(bench, fake_payload):
    bench.connect(fake_payload('import os\nos.write(2, b"x" * 1000000 + b"the end")'))
    lost = bench.await_event(Lost)
    assert len(lost.stderr) <= 64 << 10
    assert lost.stderr.endswith('the end')


def test_the_process_runs_where_and_with_what_the_launch_says(bench, payload, run, tmp_path):
    connection = bench.connect(payload, cwd=str(tmp_path))
    connection.send(run())
    answer = json.loads(bench.await_event(Done).steps[0].out)
    assert answer['cwd'] == str(tmp_path)
    mask = os.umask(0)
    os.umask(mask)
    assert answer['umask'] == mask


def test_a_fork_lets_go_of_the_agent(bench, payload):
    """Stock workers are forks without exec. One that outlives the controller must not keep agents alive."""
    alive, held_by_agent = os.pipe()
    told, tell = os.pipe()
    orphan_waits, orphan_may_end = os.pipe()
    launch = bench.launch(payload)
    connection = bench.connect(payload, launch=Launch(**{**vars(launch), 'pass_fds': (held_by_agent,)}))
    os.close(held_by_agent)
    bench.await_event(Ready)
    mine = (connection._stdin, connection._stdout, connection._errors)
    child = os.fork()
    if child == 0:
        still_open = 0
        for descriptor in mine:
            try:
                os.fstat(descriptor)
                still_open += 1
            except OSError:
                pass
        os.write(tell, b'%d' % still_open)
        os.close(orphan_may_end)
        os.read(orphan_waits, 1)
        os._exit(0)
    try:
        assert os.read(told, 1) == b'0'
        connection._release()  # as if the controller had died
        readable, _w, _x = select.select([alive], [], [], 60)
        assert readable and os.read(alive, 1) == b'', 'the agent is still there'
    finally:
        os.close(orphan_may_end)
        os.waitpid(child, 0)
        for descriptor in (alive, told, tell, orphan_waits):
            os.close(descriptor)


def test_the_parent_goes_on_after_a_fork(bench, payload, run):
    connection = bench.connect(payload)
    bench.await_event(Ready)
    child = os.fork()
    if child == 0:
        os._exit(0 if connection.closed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    connection.send(run())
    bench.await_event(Done)
