from __future__ import annotations

import json

from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import Done, Lost, Ready


def test_a_cold_host_gets_the_payload_and_a_warm_one_does_not(bench, payload, run):
    ups = []
    for _start in range(2):
        bench.events.clear()
        connection = bench.connect(payload)
        connection.send(run())
        done = bench.await_event(Done)
        assert bench.kinds() == ['Ready', 'Started', 'Done']
        assert connection.ready.info.sha == payload.sha
        answer = json.loads(done.steps[0].out)
        assert answer['path0'] == answer['argv'][0] == f'{bench.cache}/{payload.sha}.pyz'
        ups.append(connection.bytes_up)
        connection.close()
        bench.until(lambda: connection.closed)
        assert connection.poll_exit() == 0
    assert ups[0] > ups[1]
    assert ups[1] < 600
