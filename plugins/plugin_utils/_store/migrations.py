# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of the history, step by step. The one door to sqlite-utils, which is imported when there is a step to make.

Rule 1: a step that was released is never changed; what is different comes as a further step, at the end.
Rule 2: each step is one transaction, and ``user_version`` counts them: who dies or meets another one in between does no harm. So a step
leaves alone what commits by itself: Table.create, transform and executescript of sqlite-utils 3.
Rule 3: ``application_id`` tells our database from anybody else's, which is left alone.
"""
from __future__ import annotations

import sqlite3
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import MissingPackage, StoreError
from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing
from ansible_collections.rustle.engine.plugins.plugin_utils._store.waiting import begin

if t.TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ['APPLICATION', 'VERSION', 'migrate', 'refuse']

APPLICATION: t.Final = int.from_bytes(b'rstl', 'big')


def migrate(connection: sqlite3.Connection, *, path: str) -> None:
    """Bring the database up to VERSION. ``connection``: without transactions of its own (isolation_level None)."""
    if _version(connection) == VERSION:
        return
    try:
        with importing:
            from sqlite_utils import Database
    except ImportError as ex:
        raise MissingPackage('sqlite-utils', needed_for='the history of runs') from ex
    while True:
        begin(connection)
        try:
            version = _version(connection)
            refuse(connection, path=path)
            if version < VERSION:
                STEPS[version](Database(connection))
                connection.execute(f'PRAGMA application_id = {APPLICATION}')
                connection.execute(f'PRAGMA user_version = {version + 1}')
            connection.execute('COMMIT')
        except BaseException:
            if connection.in_transaction:
                connection.execute('ROLLBACK')
            raise
        if version >= VERSION:
            return


def refuse(connection: sqlite3.Connection, *, path: str) -> None:
    """StoreError when the database is newer than we are, or of something else."""
    # in one statement, so that a migration of somebody else is seen whole or not at all
    application, version, tables = connection.execute(
        'SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), count(*) FROM sqlite_master').fetchone()
    if application != APPLICATION and (application or version or tables):
        raise StoreError(f'{path}: this is a database of something else', hint='name another file as RUSTLE_FEEDBACK_DB or as feedback_db in ansible.cfg')
    if version > VERSION:
        raise StoreError(
            f'{path}: the history of runs is of version {version}, this rustle.engine knows versions up to {VERSION}',
            hint='update rustle.engine, or name another file as RUSTLE_FEEDBACK_DB')


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute('PRAGMA user_version').fetchone()[0])


def _first(db: Database) -> None:
    """Nine kinds of records; the indexes serve the questions of queries.py."""
    db.create_table('executions', {
        'execution': str, 'playbook': str, 'identity': str, 'inventory': str, 'strategy': str, 'limit': str, 'tags': str, 'skip_tags': str, 'forks': int,
        'check': int, 'user': str, 'controller': str, 'pid': int, 'core_version': str, 'engine_version': str, 'traits': str, 'started': float,
        'ended': float, 'seen': float, 'status': str, 'hosts': int, 'planned_tasks': int, 'ok': int, 'changed': int, 'failed': int, 'unreachable': int,
        'skipped': int, 'ignored': int, 'rescued': int, 'round_trips': int, 'bundles': int, 'rating': int, 'note': str}, pk='execution')
    db.table('executions').create_index(['started'])
    db.table('executions').create_index(['identity', 'started'])
    db.table('executions').create_index(['status', 'started'])
    db.create_table('plans', {
        'execution': str, 'plan_hash': str, 'tasks': int, 'estimated_duration': float, 'estimated_spread': float, 'differences': str}, pk='execution')
    db.create_table('tasks', {
        'execution': str, 'task_id': str, 'identity': str, 'name': str, 'module': str, 'path': str, 'play': str, 'role': str, 'handler': int,
        'traits': str, 'order': int, 'started': float}, pk=('execution', 'task_id'))
    db.create_table('results', {
        'execution': str, 'task_id': str, 'identity': str, 'module': str, 'host': str, 'attempt': int, 'host_class': str, 'status': str, 'final': int,
        'began': float, 'ended': float, 'duration': float, 'path': str, 'path_reason': str, 'items': int, 'error_class': str, 'message': str,
        'start': float, 'end': float, 'cpu': float, 'maxrss': int, 'block_in': int, 'block_out': int, 'bytes_up': int, 'bytes_down': int,
        'queued': float, 'calls': int}, pk=('execution', 'task_id', 'host', 'attempt'))
    db.table('results').create_index(['identity', 'ended'])
    db.create_table('bundles', {
        'execution': str, 'bundle': int, 'host': str, 'host_class': str, 'sent': float, 'tasks': int, 'bytes_up': int, 'seconds': float, 'done': int,
        'dropped': int, 'failed': int, 'cut': str, 'cut_detail': str}, pk=('execution', 'bundle'))
    db.create_table('adaptations', {
        'execution': str, 'adaptation': str, 'policy': str, 'what': str, 'target': str, 'level': str, 'task': str, 'error_class': str,
        'host_class': str, 'rationale': str, 'impact': str, 'rollback': str, 'confidence': float, 'trials': int, 'requested': float, 'ended': float,
        'state': str, 'reason': str, 'succeeded': int, 'detail': str}, pk=('execution', 'adaptation'))
    db.table('adaptations').create_index(['requested'])
    db.create_table('metrics', {
        'execution': str, 'name': str, 'host': str, 'value': float, 'unit': str, 'time': float}, pk=('execution', 'name', 'host'))
    db.table('metrics').create_index(['name', 'time'])
    db.create_table('recommendations', {
        'execution': str, 'code': str, 'subject': str, 'severity': str, 'title': str, 'evidence': str, 'change': str, 'gain': float,
        'time': float}, pk=('execution', 'code', 'subject'))
    db.table('recommendations').create_index(['time'])
    db.create_table('reports', {'execution': str, 'lines': str, 'time': float}, pk='execution')
    db.table('reports').create_index(['time'])


def _plays_and_occurrences(db: Database) -> None:
    """What another terminal needs to tell how far a run is, and a row for each time that a play comes to a task on a host.

    A key cannot be changed in place, so results move to a new table; what was kept so far is the last time, and counts as the first.
    """
    db.create_table('plays', {
        'execution': str, 'number': int, 'play': str, 'play_id': str, 'strategy': str, 'hosts': str, 'serial': str, 'tasks': int, 'identities': str,
        'started': float}, pk=('execution', 'number'))
    db.table('executions').add_column('plays', int)
    db.table('bundles').add_column('joined', int, not_null_default=0)
    db.table('bundles').add_column('work', float)
    db.execute('ALTER TABLE results RENAME TO results_before')
    db.create_table('results', {
        'execution': str, 'task_id': str, 'identity': str, 'module': str, 'host': str, 'occurrence': int, 'attempt': int, 'host_class': str,
        'status': str, 'final': int, 'began': float, 'ended': float, 'duration': float, 'path': str, 'path_reason': str, 'items': int,
        'error_class': str, 'message': str, 'start': float, 'end': float, 'cpu': float, 'maxrss': int, 'block_in': int, 'block_out': int,
        'bytes_up': int, 'bytes_down': int, 'queued': float, 'calls': int}, pk=('execution', 'task_id', 'host', 'occurrence', 'attempt'))
    kept = ', '.join(f'"{column.name}"' for column in db.table('results_before').columns)
    db.execute(f'INSERT INTO results ({kept}, occurrence) SELECT {kept}, 1 FROM results_before ORDER BY rowid')
    db.execute('DROP TABLE results_before')
    db.table('results').create_index(['identity', 'ended'])


STEPS: t.Final[tuple[t.Callable[[Database], None], ...]] = (_first, _plays_and_occurrences)
VERSION: t.Final = len(STEPS)
