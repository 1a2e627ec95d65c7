# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The laboratory: a fleet of ssh hosts on loopback, behind a proxy that delays and counts, and measured runs on it.

    fleet.py     N hosts with homes of their own, as a context manager
    proxy.py     the delay proxy, a process of its own
    measure.py   runs a command and tells its CPU time, daemons included
    play.py      one ansible-playbook run on a fleet, and the comparison of two
    history.py   records of runs that never were, by a seed

`python -m tests.lab --hosts 3 --delay-ms 25 -- ansible -i INVENTORY all -m ping` uses it from a shell.
"""
