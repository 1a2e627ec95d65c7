# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that only read their own host, decided on literal words.

Rule 1: a command is in the table only if nothing that its accepted options can do writes, waits for something, looks beyond the
host (DNS, a daemon elsewhere) or starts another program of the caller's choice.
Rule 2: the program is a bare name, or that name in one of the four system folders. A template there is not in the table.
Rule 3: where options matter every word has to be literal, since a rendered word may be an option.
"""
from __future__ import annotations

import re
import shlex
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import is_template

__all__ = ['PROGRAMS', 'only_reads', 'words_of']

_FOLDERS = frozenset({'/bin', '/usr/bin', '/sbin', '/usr/sbin'})

Words = t.Sequence[str]
Accept = t.Callable[[Words], bool]  # takes the words behind the program, all literal


def _table(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _options(pattern: str, *, operands: bool = True) -> Accept:
    """Accepts options that match ``pattern`` as a whole; ``operands``: other words are fine as well."""
    option = re.compile(pattern)

    def accept(words: Words) -> bool:
        return all(option.fullmatch(word) if word.startswith(('-', '+')) else operands for word in words)

    return accept


def _verb(verbs: str, *, before: str = '', after: str) -> Accept:
    """Accepts a first word out of ``verbs`` behind options out of ``before``; then operands and options like ``after``."""
    known, leading, rest = _table(verbs), _table(before), _options(after)

    def accept(words: Words) -> bool:
        words = list(words)
        while words and words[0] in leading:
            del words[0]
        return bool(words) and words[0] in known and rest(words[1:])

    return accept


def _exactly(*lines: str) -> Accept:
    """Accepts these command lines only; ``FILE`` stands for one operand."""
    forms = [line.split() for line in lines]

    def fits(word: str, form: str) -> bool:
        return word == form or (form == 'FILE' and not word.startswith('-'))

    def accept(words: Words) -> bool:
        return any(len(form) == len(words) and all(map(fits, words, form)) for form in forms)

    return accept


def _without(*starts: str) -> Accept:
    """Accepts all words but those that begin in one of these ways."""

    def accept(words: Words) -> bool:
        return not any(word.startswith(starts) for word in words)

    return accept


# Whatever their options are, they read. (Not here though they look like it: env and xargs start programs; sort, uniq, xxd, tee
# and blkid write; lsof and last ask the DNS. df and du are here: the name of a path does not tell that it is a network mount.)
_ALWAYS = _table(
    """
    [ arch b2sum base32 base64 basename cat cksum cmp column comm cut df dirname dpkg-query du echo egrep expand expr false
    fgrep fmt fold free getcap getconf getenforce getfacl grep groups head hexdump id join jq locale logname ls lsattr
    lsb_release lsblk lscpu lsmem lsmod lsusb md5sum mountpoint namei nl nproc od paste pgrep pidof printenv printf ps pwd
    readelf readlink realpath rev runlevel seq sestatus sha1sum sha224sum sha256sum sha384sum sha512sum stat strings sum
    systemd-detect-virt tac test tr true tty uname unexpand uptime users vmstat wc whereis which whoami
    """
)


def _ip(words: Words) -> bool:
    """Objects with ``show`` or nothing; all else changes the network, or may."""
    flags = {'-4', '-6', '-0', '-br', '-brief', '-j', '-json', '-o', '-oneline', '-s', '-d', '-details', '-p', '-pretty'}
    objects = {'a', 'addr', 'address', 'l', 'link', 'r', 'ro', 'route', 'ru', 'rule', 'n', 'neigh', 'neighbor', 'neighbour'}
    words = list(words)
    while words and words[0] in flags:
        del words[0]
    return bool(words) and words[0] in objects and (len(words) == 1 or words[1] in {'s', 'sh', 'show', 'l', 'ls', 'list'})


def _date(words: Words) -> bool:
    """A lone operand without ``+`` would set the clock, and so would ``-s``."""
    printing = re.compile(
        r'\+.*|-u|--utc|--universal|-R|--rfc-email|-I\w*|--iso-8601(=\w+)?|--rfc-3339=\w+|--(date|reference)=.*'
    )
    words = list(words)
    while words:
        word = words.pop(0)
        if word in ('-d', '-r') and words:
            del words[0]
        elif not printing.fullmatch(word):
            return False
    return True


def _sysctl(words: Words) -> bool:
    """``key=value`` sets, with ``-w`` and without."""
    return bool(words) and '=' not in ''.join(words) and _options(r'-[aneNb]+|--(all|values|names|ignore)')(words)


def _openssl(words: Words) -> bool:
    """``version``, and ``x509`` when it prints fields only."""
    shown = (
        r'-(in|inform|noout|text|subject|issuer|dates|startdate|enddate|checkend|serial|fingerprint|sha1|sha256|hash|modulus|pubkey'
        r'|ext|nameopt)'
    )
    return words[:1] == ['version'] or (words[:1] == ['x509'] and '-noout' in words and _options(shown)(words[1:]))


_NO_OPTION = '(?!)'
_SYSTEMCTL = (
    'is-active is-enabled is-failed is-system-running status show cat list-units list-unit-files list-timers list-sockets '
    'list-dependencies list-jobs get-default show-environment'
)

# Options matter: all words are literal and accepted by the function.
_SOMETIMES: dict[str, Accept] = {
    'apt-cache': _verb(
        'policy show madison search showpkg depends rdepends pkgnames',
        after=r'-[aiqn]+|--(no-)?all-versions|--names-only|--installed',
    ),
    'crontab': _exactly('-l', '-l -u FILE', '-u FILE -l'),
    'date': _date,
    'debconf-show': _options(r'--listowners|--listdbs'),
    'diff': _options(r'-[abBeEiNqrsuwy]+|--brief|--recursive|--unified|--color=never|-U\d*'),
    'dmesg': _exactly('', '-T', '-H', '--ctime', '-T --color=never'),
    'dpkg': _verb(
        '-l --list -s --status -L --listfiles -S --search --print-architecture --print-foreign-architectures --get-selections '
        '--compare-versions -C --audit -V --verify -p --print-avail --version',
        after=_NO_OPTION,
    ),
    'dpkg-divert': _verb('--list --listpackage --truename', after=_NO_OPTION),
    'env': _exactly(''),
    'file': _options(r'-[bhikLNrs0]+|--(brief|mime|mime-type|mime-encoding|dereference|no-dereference)'),
    'find': _without('-exec', '-ok', '-delete', '-fprint', '-fls'),
    'findmnt': _without('-p', '--po'),
    # hosts, ahosts, networks and netgroup ask the network
    'getent': _verb('passwd group shadow gshadow services protocols rpc initgroups', after=_NO_OPTION),
    # without arguments it prints the kernel's name; -f, -d, -i and -A ask the resolver, an operand sets the name
    'hostname': _exactly('', '-I', '--all-ip-addresses'),
    'hostnamectl': _exactly('', 'status', '--no-pager', '--no-pager status', '--static'),
    'ip': _ip,
    'ldconfig': _exactly('-p', '--print-cache'),
    'localectl': _exactly('', 'status', '--no-pager', 'list-locales'),
    'loginctl': _exactly('', 'list-sessions', 'list-users', '--no-pager list-sessions'),
    'lspci': _options(r'-[vknmDtb]+|-s|-d'),
    'mount': _exactly('', '-l'),
    'named-checkconf': _exactly('', 'FILE'),
    'netstat': _options(r'-(?=\w*n)[tulnpaxie46w]+', operands=False),
    'openssl': _openssl,
    'pacman': _options(r'-Q[qeiklmnosdt]*'),
    'promtool': _exactly('check config FILE', 'check rules FILE'),
    'rpm': _verb(
        '-q -qa -qi -ql -qf -qc -qd -qR --query --version',
        after=r'-[aqilfcdR]+|--(all|info|list|file|quiet|whatprovides|whatrequires|provides|requires|changelog|last)'
        r'|--(qf|queryformat)(=.*)?',
    ),
    'ss': _options(r'-[tulnpaxe46womisHO]+', operands=False),
    'sshd': _exactly('-t', '-T', '-t -f FILE', '-T -f FILE', '-tf FILE'),
    'sysctl': _sysctl,
    'systemctl': _verb(
        _SYSTEMCTL,
        before='--no-pager --quiet -q --user --system --full -l --all -a --plain --no-legend --value',
        after=r'(?!--(h|ma|wa|ro|im))(?!-\w*[HMw])-.*',  # another machine, or waiting
    ),
    'tail': _options(r'-[ncqvz]*\+?\d*|\+\d+|--(lines|bytes)=\+?\d+|--quiet|--silent|--verbose'),
    'timedatectl': _exactly('', 'status', 'show', '--no-pager', '--no-pager status', 'list-timezones'),
    'update-alternatives': _verb('--display --query --list --get-selections', after=_NO_OPTION),
    'visudo': _exactly('-c', '-cq', '-c -q', '--check', '-cf FILE', '-c -f FILE', '-cqf FILE', '-qcf FILE', '-q -c -f FILE'),
    'w': _options(r'-[hsuf]+'),
    'who': _options(r'-[abdHlmpqrstTuw]+|--(boot|count|all|heading)'),
}
_SOMETIMES |= dict.fromkeys(_table('ansible curl docker gcc git mysql node perl php podman psql ruby tar'), _exactly('--version'))
_SOMETIMES |= {
    'bash': _exactly('-n FILE', '--version'),
    'dash': _exactly('-n FILE'),
    'go': _exactly('version'),
    'java': _exactly('-version', '--version'),
    'nginx': _exactly('-v', '-V'),
    'python': _exactly('--version', '-V', '-VV', '-m json.tool FILE'),
    'python3': _exactly('--version', '-V', '-VV', '-m json.tool FILE'),
    'sh': _exactly('-n FILE'),
    'ssh': _exactly('-V'),
}

PROGRAMS: frozenset[str] = _ALWAYS | frozenset(_SOMETIMES)
"""Every program that is read-only in some form."""


def words_of(args: t.Mapping[str, t.Any]) -> list[str] | None:
    """The words of a ``command`` task's argv or command line, raw; None when they cannot be told."""
    argv = args.get('argv')
    if argv is not None:
        return [str(word) for word in argv] if isinstance(argv, (list, tuple)) else None
    line = args.get('_raw_params') or args.get('cmd')
    # '{{-' eats the blank before it, so that not even the words before a template are certain
    if not isinstance(line, str) or any(mark in line for mark in ('{{-', '{%-', '{#-')):
        return None
    try:
        return shlex.split(line)
    except ValueError:
        return None


def only_reads(words: Words) -> bool:
    """Whether the command only reads its own host. The words may hold templates; see the rules above."""
    program, rest = (words[0], list(words[1:])) if words else ('', [])
    folder, slash, name = program.rpartition('/')
    if slash and folder not in _FOLDERS:
        return False
    if name in _ALWAYS:
        return True
    accept = _SOMETIMES.get(name)
    # command expands $VARIABLES in words, so such a word is not literal
    return accept is not None and not any(is_template(word) or '$' in word for word in rest) and accept(rest)
