# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rustle-feedback: what runs have left, and what it says.

Nothing here, and nothing that it imports, needs Ansible: the command starts in a moment.
"""
from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._cli import feedback_views as views
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback_json import dumped
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.output import colourful, columns, write
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style

__all__ = ['main', 'parser']

_RUN = 'id of a run or how it begins, or last, or -1 for the last one, -2 for the one before it'


class _Parser(argparse.ArgumentParser):
    """Ends with status 1 for a wrong option, as for every other error."""

    def error(self, message: str) -> t.NoReturn:
        self.exit(1, f'{self.prog}: {message}\nhint: {self.prog} --help\n')


def parser() -> argparse.ArgumentParser:
    made = _Parser(prog='rustle-feedback', description='Show what runs of ansible-playbook have left, and what to learn from it.',
                   epilog=f'RUN is the {_RUN}.')
    made.add_argument('-V', '--version', action='store_true', help='print the version')
    commands = made.add_subparsers(dest='command', metavar='COMMAND', parser_class=_Parser)

    def command(name: str, text: str, *, some: bool = False, run: t.Literal['', 'one', 'maybe'] = '') -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = commands.add_parser(name, help=text, description=f'{text[0].upper()}{text[1:]}.')
        if run:
            one.add_argument('run', metavar='RUN', help=_RUN, **({'nargs': '?', 'default': 'last'} if run == 'maybe' else {}))
        if some:
            one.add_argument('--playbook', metavar='P', help='only runs of this playbook: its path or its file name')
            one.add_argument('--limit', metavar='N', type=_number, default=20, help='look at the last N runs (20)')
        one.add_argument('--json', action='store_true', help='for programs: docs/feedback.schema.json')
        one.add_argument('--db', metavar='FILE', help='the database, instead of RUSTLE_FEEDBACK_DB')
        return one

    command('runs', 'the last runs, the newest first', some=True)
    command('show', 'one run: failures, slowest tasks, adaptations, what to change', run='maybe').add_argument(
        '--tasks', action='store_true', help='all tasks in order, instead of the slowest')
    one = command('compare', 'two runs, task by task')
    one.add_argument('before', metavar='A', help=_RUN)
    one.add_argument('after', metavar='B', help=_RUN)
    one.add_argument('--limit', metavar='N', type=_number, default=30, help='at most N tasks that differ (30)')
    command('trends', 'tasks, hosts and playbooks that become slower or faster', some=True)
    command('hosts', 'hosts over runs, the slowest first', some=True)
    command('tasks', 'tasks over runs, those first that take most time', some=True)
    command('recommend', 'what to change, with the evidence', some=True)
    one = command('export', 'runs as JSON, as CSV with a line for each result, or as a page', some=True)
    one.add_argument('form', choices=('json', 'csv', 'html'))
    one.add_argument('--out', metavar='FILE', help='write to a file')
    one = command('prune', 'remove old runs')
    one.add_argument('--days', metavar='N', type=_number, help='keep runs of the last N days')
    one.add_argument('--size', metavar='SIZE', type=_size, help='keep as many runs as fit into it: 100M')
    one.add_argument('--dry-run', action='store_true', help='only say what would be removed')
    one = command('rate', 'say how a run was', run='one')
    one.add_argument('rating', metavar='1-5', type=int, choices=range(1, 6), help='5 is best')
    one.add_argument('--note', default='', help='a few words')
    one = command('status', 'how far a run is', run='maybe')
    one.add_argument('--watch', action='store_true', help='go on until it has ended')
    one = command('report', 'one run as a page or as text', run='maybe')
    one.add_argument('-o', '--output', choices=('html', 'text'), default='html', help='format (html)')
    one.add_argument('--out', metavar='FILE', help='write to a file')
    command('adaptations', 'how often each policy has helped').add_argument('--reset', action='store_true', help='forget it')
    return made


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f'expected a number from 1 on, found {text!r}')
    return int(text)


def _size(text: str) -> int:
    found = re.fullmatch(r'(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?', text.strip(), re.IGNORECASE | re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f'expected a size like 500K, 100M or 1G, found {text!r}')
    return int(float(found[1]) * 1024 ** ' KMG'.index(found[2].upper() or ' '))


def main(argv: t.Sequence[str]) -> int:
    try:
        options = parser().parse_args(argv)
        if options.version:
            return _print_version()
        if options.command is None:
            parser().error('which command?')
    except SystemExit as ex:
        return int(ex.code or 0)
    try:
        return _run(options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _say('interrupted')
    except RustleError as ex:
        return _say(str(ex))
    except OSError as ex:
        return _say(f'{ex.filename or ""}: {ex.strerror or ex}'.removeprefix(': '))
    except Exception as ex:
        if os.environ.get('RUSTLE_DEBUG'):
            traceback.print_exc()
        return _say(f'{type(ex).__name__}: {ex}\nhint: rustle-feedback did not expect this, which is a defect of it; RUSTLE_DEBUG=1 shows where')


def _say(text: str) -> int:
    sys.stderr.write(f'rustle-feedback: {text}\n')
    return 1


def _print_version() -> int:
    from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.release import engine_version

    sys.stdout.write(f'rustle-feedback {engine_version()} (Python {sys.version.split()[0]})\n')
    return 0


def _run(options: argparse.Namespace) -> int:
    with History.open(options.db) as history:
        if options.command == 'status' and options.watch and not options.json:
            return views.watch(history, options.run, Style(colour=colourful(), width=columns()))
        answer = getattr(views, options.command)(history, options)
        out = getattr(options, 'out', None)
        if options.json and options.command != 'export':
            text = dumped(options.command, answer.payload())
        else:
            text = answer.text(Style(colour=colourful(out), width=columns()))
        # a lone surrogate is no text: \udxxx is what JSON says for it, and as good as anything elsewhere
        write(None if options.json and options.command == 'report' else out, text.encode(errors='backslashreplace'))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
