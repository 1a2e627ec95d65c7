# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A shell stands in for the become program: it reads the password from the stdin that the agent will have."""
from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import Done, Lost
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import BecomeTalk

SECRET = 's3cr3t w0rd'
ASKS = (
    'printf "[become] password: " >&2; IFS= read -r word; '
    'if [ "$word" != "$EXPECTED" ]; then echo "Sorry, try again." >&2; exit 1; fi; echo BECOME-SUCCESS-abc; '
)


def talk(password: bytes | None) -> BecomeTalk:
    return BecomeTalk(
        password=password,
        is_prompt=lambda output: output.strip().startswith(b'[become] password:'),
        is_success=lambda output: b'BECOME-SUCCESS-abc' in output,
        is_wrong_password=lambda output: b'Sorry, try again.' in output,
        is_missing_password=lambda output: b'a password is required' in output)


@pytest.mark.parametrize('stream', ['>&2', ''])
def test_the_password_is_given_when_it_is_asked_for_and_nothing_before_it(bench, payload, run, stream):
    connection = bench.make(payload, before=ASKS.replace('>&2', stream, 1), talk=talk(SECRET.encode()), env={'EXPECTED': SECRET})
    connection.send(run())
    connection.start()
    bench.await_event(Done)
    assert bench.kinds() == ['Ready', 'Started', 'Done']


@pytest.mark.parametrize('password', [None, SECRET.encode()])
def test_a_become_program_that_does_not_ask_is_no_obstacle(bench, payload, run, password):
    connection = bench.make(payload, before='echo BECOME-SUCCESS-abc; ', talk=talk(password))
    connection.send(run())
    connection.start()
    bench.await_event(Done)


def test_a_wrong_password_is_told_and_not_shown(bench, payload, run):
    connection = bench.make(payload, before=ASKS, talk=talk(SECRET.encode()), env={'EXPECTED': 'other'})
    connection.send(run())
    connection.start()
    lost = bench.await_event(Lost)
    assert (lost.phase, lost.message) == ('become', 'the become password is wrong')
    assert [header['t'] for header in connection.unsent] == ['run']
    for shown in (repr(lost), repr(connection), repr(connection.launch), repr(connection.launch.argv), repr(connection.launch.env)):
        assert SECRET not in shown


def test_a_missing_password_is_told(bench, payload):
    bench.connect(payload, before='echo "sudo: a password is required" >&2; exit 1; ', talk=talk(None))
    lost = bench.await_event(Lost)
    assert (lost.phase, lost.message) == ('become', 'a become password is required')


def test_a_become_program_that_ends_after_the_password_is_lost_in_phase_become(bench, payload):
    silent = 'printf "[become] password: " >&2; read -r word; echo "kennwort falsch" >&2; exit 3; '
    bench.connect(payload, before=silent, talk=talk(b'x'))
    lost = bench.await_event(Lost)
    assert (lost.phase, lost.rc) == ('become', 3)
    assert 'kennwort falsch' in lost.message


def test_an_end_before_any_prompt_is_a_broken_connection(bench, payload):
    bench.connect(payload, before='echo "ssh: connect to host h port 22: Connection refused" >&2; exit 255; ', talk=talk(b'x'))
    lost = bench.await_event(Lost)
    assert (lost.phase, lost.rc) == ('connect', 255)
    assert 'Connection refused' in lost.message


def test_an_end_after_the_success_is_lost_in_phase_start(bench, payload):
    bench.connect(payload, before='echo BECOME-SUCCESS-abc; ', talk=talk(None), python='/no/such/python')
    assert bench.await_event(Lost).phase == 'start'


def test_closing_while_the_password_is_awaited_ends_the_process(bench, payload):
    connection = bench.connect(payload, before='cat > /dev/null; ', talk=talk(b'x'))
    connection.close()
    assert connection.closed
    assert connection.poll_exit() is not None
    assert bench.events == []
