# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The judge: does a playbook do under our strategy what it does under linear?

    callbacks/witness.py   writes down every event of a run, with its result
    running.py             runs a case under a strategy
    normal.py              takes out what differs between any two runs: times, process ids, temporary names
    judge.py               makes records of runs, and compares them
    share.py               how much went through agents
    playbooks/*.yml        the cases: one theme each, its traps in a few tasks

A case says in comments at its top how it wants to be run (running.Case).
"""
