# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The short ways give what Ansible's own code gives."""
from __future__ import annotations

import pytest
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
from ansible._internal._templating._jinja_bits import TemplateOverrides
from ansible.errors import AnsibleUndefinedVariable
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.playbook.handler import Handler
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import memo, quick
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.sampled_from(['{{ name }}', '{{', '}}', '{% if name %}x{% endif %}', '{# c #}', '<< name >>', '#jinja2: trim_blocks: False\n', 'a', ' ', '\n', "'"])
TEXTS = st.lists(PIECES, max_size=4).map(''.join)
ORIGINAL = TemplateEngine.template


@pytest.fixture(autouse=True)
def installed():
    quick.install()
    yield
    memo.uninstall()


def outcome(call):
    try:
        result = call()
    except Exception as ex:
        return type(ex).__name__, str(ex)
    return type(result).__name__, result, sorted(str(tag) for tag in AnsibleTagHelper.tags(result))


@given(text=TEXTS, trusted=st.booleans(), origin=st.booleans(), custom=st.booleans())
def test_a_text_is_templated_as_ansible_does_it(text, trusted, origin, custom):
    tags = [TrustedAsTemplate()] * trusted + [Origin(description='here')] * origin
    value = AnsibleTagHelper.tag(text, tags)
    options = TemplateOptions(overrides=TemplateOverrides(variable_start_string='<<', variable_end_string='>>') if custom else TemplateOverrides.DEFAULT)
    engine = TemplateEngine(variables={'name': 'world'})
    assert outcome(lambda: engine.template(value, options=options)) == outcome(lambda: ORIGINAL(engine, value, options=options))


def test_templates_inside_containers_are_still_found():
    engine = TemplateEngine(variables={'name': TrustedAsTemplate().tag('{{ missing }}')})
    value = [TrustedAsTemplate().tag('{{ name }}')]
    with pytest.raises(AnsibleUndefinedVariable):
        engine.template(value)


@pytest.mark.parametrize('cls', [Task, Handler, PlayContext])
def test_a_copy_holds_what_ansibles_copy_holds(cls):
    thing = cls()
    changes = {'when': ['a', 'b'], 'tags': ['x'], 'vars': {'n': {'m': 1}}, 'args': Origin(description='here').tag({'k': 1}), 'become': True,
               'timeout': Origin(description='here').tag(5), 'remote_user': 'me'}
    for name, value in changes.items():
        if name in cls.fattributes:
            setattr(thing, name, value)
    theirs = memo_free_copy(thing)
    ours = thing.copy()
    assert ours.__dict__ == {**theirs.__dict__, '_uuid': thing._uuid}
    for name, value in ours.__dict__.items():
        if isinstance(value, (list, dict)):
            assert value is not thing.__dict__.get(name), f'{name} is shared'
            assert type(value) is type(theirs.__dict__[name])


def memo_free_copy(thing):
    memo.uninstall()
    twin = thing.copy()
    quick.install()
    return twin
