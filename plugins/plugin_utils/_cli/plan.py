# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rustle-plan: what a run will do, in which order, on which path, and why.

Rule: nothing of Ansible's is imported here before a plan has to be made (planning.py): one that is remembered does without.
"""
from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import traceback
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._cli.output import colourful, columns, write
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.recalling import Memory
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.request import Request, request_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import ConflictingStrategies, InvalidTagExpression, RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import Strategy

if t.TYPE_CHECKING:
    from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan

__all__ = ['main', 'parser', 'recalled']

_ROOT: t.Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
_FORMATS = ('text', 'json', 'binary', 'dot', 'mermaid', 'html')


class _Parser(argparse.ArgumentParser):
    """Ends with status 1 for a wrong option, as for every other error."""

    def error(self, message: str) -> t.NoReturn:
        self.exit(1, f'{self.prog}: {message}\nhint: {self.prog} --help\n')


def parser() -> argparse.ArgumentParser:
    made = _Parser(prog='rustle-plan', description='Show what running playbooks will do, in which order, on which path, and why. Nothing is run.',
                   epilog='PLAYBOOK is a playbook as ansible-playbook takes it, or a JSON document of rustle-parse (a file, or - for standard input).')
    add = made.add_argument
    add('playbooks', metavar='PLAYBOOK', nargs='+')
    add('-i', '--inventory', action='append', default=[], help='path or comma separated list of hosts; may be given several times')
    add('-l', '--limit', help='hosts to plan for, as a pattern')
    add('-t', '--tags', action='append', default=[], help='only plays and tasks with these tags')
    add('--skip-tags', action='append', default=[], help='only plays and tasks without these tags')
    add('-e', '--extra-vars', action='append', default=[], help='variables as key=value, as YAML or JSON, or @file')
    add('--vault-id', action='append', default=[], dest='vault_ids', help='vault identity to use')
    add('--vault-password-file', '--vault-pass-file', action='append', default=[], dest='vault_password_files', help='file with a vault password')
    add('-J', '--ask-vault-password', '--ask-vault-pass', action='store_true', dest='ask_vault_pass', help='ask for the vault password')
    add('-s', '--strategy', help=f'plan as if this were the strategy: {", ".join(t.get_args(Strategy))}')
    add('--serial', help='size of the batches of hosts, as a number or a percentage; several with commas')
    add('--forks', type=int, help='hosts at work at once')
    add('-c', '--check', action='store_true', help='plan a run with --check')
    add('--diff', action='store_true', help='plan a run with --diff')
    add('--binary-threshold', type=int, metavar='N', help='tasks from which on a binary deployment is made, where nothing else is known (5)')
    add('--force-binary', action='store_true', help='binary deployments however few tasks there are')
    add('--force-ssh', action='store_true', help='every task on the stock path')
    add('--optimize', action='store_true', help='optimization level 2')
    add('--list-tasks', action='store_true', help='one line for each task')
    add('--list-hosts', action='store_true', help='hosts of each play, by class')
    add('--list-binaries', action='store_true', help='binary deployments, with their sizes')
    add('--visualize', action='store_true', help='the graph of tasks: Mermaid, unless another output is asked for')
    add('-o', '--output', choices=_FORMATS, help='format (text)')
    add('--out', metavar='FILE', help='write to a file')
    add('--save', metavar='FILE', help='save the plan, to run exactly it with rustle_plan_file=FILE')
    add('--estimate-time', action='store_true', help='estimates from earlier runs, and how good they are')
    add('--dry-run', action='store_true', help='plan and check the plan, print a summary line only')
    add('--explain', metavar='TASK', help='why a task stands where it stands, on this path, behind this barrier; a name or an id')
    add('--latency', type=float, metavar='MS', help='time of a round trip to a host in milliseconds: the cost model then decides instead of the threshold')
    add('--target-arch', help='architecture of the hosts, instead of what their facts say')
    add('--target-os', help='operating system of the hosts, instead of what their facts say')
    add('--fact-cache', metavar='DIR', help='folder of a jsonfile fact cache to read facts of hosts from')
    add('--no-cache', action='store_true', help='plan anew, and remember nothing of it')
    add('-v', '--verbose', action='count', default=0, help='more: dependencies and reasons of each task')
    add('-V', '--version', action='version', version=_version())
    return made


def _version() -> str:
    from ansible import release
    from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.release import engine_version

    return f'rustle-plan {engine_version()} (ansible-core {release.__version__}, Python {sys.version.split()[0]})'


def recalled(argv: t.Sequence[str]) -> int | Memory | None:
    """Print a remembered plan and return the status, before Ansible is loaded. Else the Memory that ``main`` is to keep its plan in.

    None where the arguments have to be looked at by ``main``: it says what is wrong with them.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            options = parser().parse_args(argv)
            memory = Memory(_request(options), root=_ROOT, off=options.no_cache)
    except (SystemExit, RustleError, OSError):
        return None
    plan = memory.recall()
    return memory if plan is None else _guarded(lambda: _show(options, plan), options.verbose)


def main(argv: t.Sequence[str], memory: Memory | None = None) -> int:
    """``memory``: its watch has begun, and it keeps the plan."""
    try:
        options = parser().parse_args(argv)
    except SystemExit as ex:
        return int(ex.code or 0)
    return _guarded(lambda: _show(options, _planned(options, memory)), options.verbose)


def _guarded(run: t.Callable[[], int], verbose: int) -> int:
    try:
        return run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _say('interrupted')
    except RustleError as ex:
        return _say(str(ex))
    except OSError as ex:
        return _say(f'{ex.filename or ""}: {ex.strerror or ex}'.removeprefix(': '))
    except RecursionError:
        return _say('something in the playbooks, their variables or the inventory contains itself', verbose=verbose)
    except Exception as ex:
        if 'ansible.errors' in sys.modules and isinstance(ex, sys.modules['ansible.errors'].AnsibleError):
            from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.abstaining import words

            return _say(words(ex))
        return _say(f'{type(ex).__name__}: {ex}\nhint: rustle-plan did not expect this, which is a defect of it; -vvv shows where', verbose=verbose)


def _say(text: str, *, verbose: int = 0) -> int:
    if verbose >= 3:
        traceback.print_exc()
    sys.stderr.write(f'rustle-plan: {text}\n')
    return 1


def _planned(options: argparse.Namespace, memory: Memory | None) -> ExecutionPlan:
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import plan_for

    if memory is not None:
        memory.watch.is_loaded = True
    with contextlib.redirect_stdout(sys.stderr):  # standard output is the plan's, whatever Ansible and its plugins print
        plan = plan_for(_request(options)).plan
    if memory is not None:
        memory.keep(plan, root=_ROOT)
        if memory.why_not and options.verbose:
            sys.stderr.write(f'rustle-plan: not remembered: {memory.why_not}\n')
    return plan


def _show(options: argparse.Namespace, plan: ExecutionPlan) -> int:
    for warning in plan.warnings:
        sys.stderr.write(f'rustle-plan: warning: {warning}\n')
    if options.save:
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_binary import to_binary

        write(options.save, to_binary(plan))
    # a lone surrogate is no text: \udxxx is what JSON says for it, and as good as anything elsewhere
    output = _output(options, plan)
    write(options.out, output.encode(errors='backslashreplace') if isinstance(output, str) else output)
    return 0


def _request(options: argparse.Namespace) -> Request:
    given = [name for name in ('list_tasks', 'list_hosts', 'list_binaries', 'explain', 'dry_run') if getattr(options, name)]
    if len(given) > 1:
        one, other = (f'--{name.replace("_", "-")}' for name in given[:2])
        raise ConflictingStrategies(one, other, why='each asks for another output')
    as_given = ('limit', 'strategy', 'serial', 'forks', 'binary_threshold', 'force_binary', 'force_ssh', 'fact_cache')
    return request_of(
        vars(options), playbooks=tuple(options.playbooks), tags=_tags(options.tags, '--tags'), skip_tags=_tags(options.skip_tags, '--skip-tags'),
        optimization_level=2 if options.optimize else None, latency=options.latency / 1000 if options.latency is not None else None,
        target_arch=options.target_arch or '', target_os=options.target_os or '', build=options.list_binaries or bool(options.save),
        verbosity=options.verbose, **{name: getattr(options, name) for name in as_given})


def _tags(given: t.Iterable[str], where: str) -> tuple[str, ...]:
    found = []
    for text in given:
        for tag in text.split(','):
            if not tag.strip():
                raise InvalidTagExpression(text, where=where, problem='a tag is empty')
            if len(tag.split()) > 1:
                raise InvalidTagExpression(text, where=where, problem=f'{tag.strip()!r} has a blank in it')
            found.append(tag.strip())
    return tuple(dict.fromkeys(found))


def _output(options: argparse.Namespace, plan: ExecutionPlan) -> str | bytes:
    output = options.output or ('mermaid' if options.visualize else 'text')
    if options.dry_run or output == 'text':
        return _text(options, plan)
    if output == 'json':
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import to_document

        return json.dumps(to_document(plan), indent=2, ensure_ascii=False) + '\n'
    if output == 'binary':
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_binary import to_binary

        return to_binary(plan)
    if output == 'html':
        from ansible_collections.rustle.engine.plugins.plugin_utils._render import plan_html

        return plan_html.page(plan)
    from ansible_collections.rustle.engine.plugins.plugin_utils._render import plan_graph

    return plan_graph.dot(plan) if output == 'dot' else plan_graph.mermaid(plan)


def _text(options: argparse.Namespace, plan: ExecutionPlan) -> str:
    from ansible_collections.rustle.engine.plugins.plugin_utils._render import plan_text

    style = plan_text.Style(colour=colourful(options.out), width=columns(), verbosity=options.verbose)
    if options.explain:
        return plan_text.explain(plan, options.explain, style)
    if options.dry_run:
        return plan_text.summary(plan, style)
    if options.list_tasks:
        return plan_text.tasks(plan, style)
    if options.list_hosts:
        return plan_text.hosts(plan, style)
    if options.list_binaries:
        return plan_text.binaries(plan, style)
    return plan_text.plan(plan, style, estimates=options.estimate_time)
