# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent imports before it forks is never seen by a module that would not have imported it, or not like that."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import messages

from .conftest import UNTIL_SPARE

UTIL = "ansible_collections.test.lab.plugins.module_utils."
IMPORTS = """\
from ansible.module_utils.basic import AnsibleModule
{imports}

def main():
    module = AnsibleModule(argument_spec={{}})
    module.exit_json({result})

if __name__ == "__main__":
    main()
"""


def util_files(**utils: str) -> dict[str, str]:
    files = {f"ansible_collections/test/lab/plugins/module_utils/{name}.py": textwrap.dedent(source) for name, source in utils.items()}
    parts = ["ansible_collections", "test", "lab", "plugins", "module_utils"]
    files.update({"/".join(parts[: end + 1]) + "/__init__.py": "" for end in range(len(parts))})
    return files


def user_of(*utils: str, result: str = "") -> str:
    """Source of a module that imports these utils of the collection. (Not in a way that the payload builder sees.)"""
    lines = [f"exec('from {UTIL[:-1]} import {util}')" for util in utils]
    return IMPORTS.format(imports="\n".join(lines), result=result)


@pytest.fixture
def world(python, launch, pack, probe_source):
    """An agent with the probe, a module `user` of some utils, and those utils."""

    def start(user: str, *, environ=None, **utils: str):
        data = pack({"ansible.legacy.probe": probe_source, "ansible.legacy.user": user}, util_files(**utils))
        return launch(python, data, environ=environ)

    return start


def use(agent, *utils: str, fqn="ansible.legacy.user", **fields):
    return agent.result(fqn, {}, utils=[UTIL + util for util in utils], **fields)


def test_utils_are_imported_once_and_modules_never(world, tmp_path):
    log = tmp_path / "log"
    note = f"import os\nopen({str(log)!r}, 'a').write(f'{{__name__}} {{os.getpid()}}\\n')\n"
    agent = world(note + user_of("one"), one=note)
    for _ in range(3):
        use(agent, "one")
    lines = [line.split() for line in log.read_text().splitlines()]
    assert [pid for name, pid in lines if name.endswith(".one")] == [str(agent.process.pid)]
    pids = [pid for name, pid in lines if name == "__main__"]
    assert len(set(pids)) == 3 and str(agent.process.pid) not in pids


def test_each_module_sees_the_warnings_of_its_own_imports_and_no_others(world):
    warning = """
        from ansible.module_utils.common.warnings import deprecate, warn
        warn("careful")
        deprecate("old", version="9", collection_name="test.lab")
        """
    agent = world(user_of("quiet", "warns"), warns=warning, quiet="")
    for _ in range(2):
        result = use(agent, "quiet", "warns")  # the package is there already when the util is undone
        assert "careful" in json.dumps(result["warnings"])
        assert "old" in json.dumps(result["deprecations"])
        assert not {"warnings", "deprecations"} & agent.probe("").keys()


@pytest.mark.parametrize("noise", ["print('noise')", "import os; os.write(1, b'noise\\n')", "import sys; sys.stdout.write('noise\\n')"])
def test_what_an_import_prints_is_printed_in_each_module_that_imports_it(world, noise):
    agent = world(user_of("loud"), loud=noise)
    for _ in range(2):
        done = agent.run(agent.module("ansible.legacy.user", utils=[UTIL + "loud"]))
        assert done.out[0].splitlines()[0] == b"noise"
        assert b"noise" not in agent.run(agent.module("ansible.legacy.probe", {"code": ""})).out[0]


def test_run_command_does_not_wait_for_files_that_are_all_closed(agent):
    found = agent.probe(
        """
        import os, selectors
        from ansible.module_utils import basic
        read, write = os.pipe()
        with basic.selectors.PollSelector() as selector:
            result["closed"] = selector.select(300)
            selector.register(read, basic.selectors.EVENT_READ)
            result["silent"] = selector.select(0)
            os.write(write, b"x")
            result["open"] = [key.fd == read for key, _events in selector.select(300)]
        result["others"] = selectors.PollSelector is basic.selectors.PollSelector
        result["rc"] = module.run_command(["true"])[0]
        """
    )
    assert (found["closed"], found["silent"], found["open"], found["others"], found["rc"]) == ([], [], [True], False, 0)


def test_an_import_that_fails_fails_in_the_module(world):
    agent = world(user_of("broken"), broken="raise ImportError('this is broken')")
    for _ in range(2):
        assert "this is broken" in json.dumps(use(agent, "broken"))
    assert agent.probe("import sys; result['there'] = [n for n in sys.modules if 'broken' in n]")["there"] == []


@pytest.mark.parametrize("bad", ["raise SystemExit(3)", "import sys\nsys.exit(3)", "import no_such_name_at_all"])
def test_an_import_that_ends_the_program_ends_the_module_only(world, bad):
    agent = world(user_of("bad"), bad=bad)
    for _ in range(2):
        assert agent.run(agent.module("ansible.legacy.user", utils=[UTIL + "bad"])).stop in ("failed", "malformed")
    assert agent.probe("result['alive'] = True")["alive"]


def test_an_import_that_starts_a_thread_starts_it_in_the_module(world):
    thread = "import threading, time\nworker = threading.Thread(target=time.sleep, args=(300,), daemon=True)\nworker.start()\n"
    agent = world(user_of("threaded", result="alive=threaded.worker.is_alive()"), threaded=thread)
    for _ in range(2):
        assert use(agent, "threaded")["alive"] is True


def test_what_an_import_registers_for_forks_runs_around_the_agents_and_around_those_of_modules(world):
    hooks = """
        import os
        CALLS = []
        def note(*words):
            return lambda: CALLS.append(" ".join(words))
        os.register_at_fork(before=note("before", "1"), after_in_child=note("child", "1"), after_in_parent=note("parent", "1"))
        os.register_at_fork(before=note("before", "2"), after_in_child=lambda: 1 / 0, after_in_parent=note("parent", "2"))
        os.register_at_fork(after_in_child=note("child", "3"))
        for bad in ({}, {"before": 3}, {"after": note}):
            try:
                os.register_at_fork(**bad)
            except TypeError:
                CALLS.append("refused")
        """
    forked = "import os\ndef forked():\n    pid = os.fork()\n    os.waitpid(pid, 0) if pid else os._exit(0)\n"
    agent = world(forked + user_of("hooks", result="mine=list(hooks.CALLS), forked=forked(), then=list(hooks.CALLS)"), hooks=hooks)
    start, before = ["refused"] * 3, ["before 2", "before 1"]
    child, parent = [*before, "child 1", "child 3"], [*before, "parent 1", "parent 2"]
    first, second = use(agent, "hooks"), use(agent, "hooks")
    assert first["mine"] == start + child
    assert second["mine"] == start + parent + child
    assert second["then"] == second["mine"] + parent


def test_an_import_that_reads_the_environment_reads_the_steps(world):
    agent = world(user_of("reads", result="value=reads.VALUE"), reads="import os\nVALUE = os.environ.get('LAB_VALUE')\n")
    assert use(agent, "reads")["value"] is None
    assert use(agent, "reads", env={"LAB_VALUE": "x"})["value"] == "x"
    assert use(agent, "reads")["value"] is None


def test_an_import_that_registers_an_exit_function_has_it_run_in_the_modules_that_import_it(world, tmp_path):
    log = tmp_path / "log"
    exits = f"import atexit, os\natexit.register(lambda: open({str(log)!r}, 'a').write(f'{{os.getpid()}}\\n'))\n"
    agent = world(user_of("exits"), exits=exits)
    use(agent, "exits")
    agent.probe("")
    use(agent, "exits")
    agent.end()
    pids = log.read_text().split()
    assert len(set(pids)) == len(pids) == 2 and str(agent.process.pid) not in pids


@pytest.mark.parametrize(
    ("does", "shows"),
    [
        ("import os\nos.environ['LAB'] = 'set'", "os.environ.get('LAB')"),
        ("import os\nos.chdir('/usr')", "os.getcwd()"),
        ("import sys\nsys.path.append('/lab')", "'/lab' in sys.path"),
        ("import sys\nsys.excepthook = print", "sys.excepthook is print"),
        ("import warnings\nwarnings.simplefilter('error', Warning)", "str(warnings.filters[0])"),
        ("import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)", "int(signal.getsignal(signal.SIGUSR1))"),
        ("import sys\nsys.setrecursionlimit(4321)", "sys.getrecursionlimit()"),
        ("import logging\nlogging.root.setLevel(1)", "logging.root.level"),
    ],
    ids=lambda value: value.split("\n")[-1],
)
def test_what_an_import_does_to_the_process_only_its_own_modules_see(world, does, shows):
    imports = "import logging, os, signal, sys, warnings"
    agent = world(f"{imports}\n" + user_of("does", result=f"shown={shows}"), does=does)
    show = f"{imports}; result['shown'] = {shows}"
    before = agent.probe(show)["shown"]
    assert use(agent, "does")["shown"] != before
    assert agent.probe(show)["shown"] == before
    assert use(agent, "does")["shown"] != before


def test_a_library_that_does_so_does_it_in_each_module(world, site):
    (site / "lab_library.py").write_text("import os\nos.environ['LAB'] = 'set'\nVERSION = 1\n")
    agent = with_site(world, site, user="import os\n" + user_of("needs", result="shown=os.environ.get('LAB')"), needs=LIBRARY)
    for _ in range(2):
        assert use(agent, "needs")["shown"] == "set"
        assert agent.probe("import os; result['shown'] = os.environ.get('LAB')")["shown"] is None


# --- libraries ---

LIBRARY = """\
try:
    import lab_library
    VERSION = lab_library.VERSION
except ImportError:
    VERSION = None
"""


@pytest.fixture
def site(tmp_path):
    """A folder on the path of an agent's interpreter."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def with_site(world, site, user=None, **utils):
    return world(user or user_of("needs", result="version=needs.VERSION"), environ={"PYTHONPATH": str(site)}, **(utils or {"needs": LIBRARY}))


def test_a_library_installed_by_one_task_is_seen_by_the_next(world, site):
    agent = with_site(world, site)
    assert use(agent, "needs")["version"] is None
    agent.probe(f"open({str(site / 'lab_library.py')!r}, 'w').write('VERSION = 1')")
    assert use(agent, "needs")["version"] == 1


def test_a_library_is_seen_that_is_installed_while_the_child_for_the_next_task_waits(world, site):
    agent = with_site(world, site)
    assert use(agent, "needs")["version"] is None
    install = UNTIL_SPARE + f"open({str(site / 'lab_library.py')!r}, 'w').write('VERSION = 1')"
    entries = [
        agent.entry(agent.module("ansible.legacy.probe", {"code": install})),
        agent.entry(agent.module("ansible.legacy.user", utils=[UTIL + "needs"])),
    ]
    agent.probe("")
    agent.send(messages.message("run", entries=entries))
    assert agent.done(entries[1]["id"]).result["version"] == 1


def test_a_folder_of_the_path_that_appears_is_looked_into(world, tmp_path):
    agent = with_site(world, tmp_path / "later")
    assert use(agent, "needs")["version"] is None
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "lab_library.py").write_text("VERSION = 1")
    assert use(agent, "needs")["version"] == 1


def test_a_library_that_the_module_itself_imports_is_seen_too(world, site):
    agent = with_site(world, site)
    code = "import importlib.util; result['there'] = importlib.util.find_spec('lab_library') is not None"
    assert agent.probe(code)["there"] is False
    agent.probe(f"open({str(site / 'lab_library.py')!r}, 'w').write('VERSION = 1')")
    assert agent.probe(code)["there"] is True


def test_a_submodule_installed_into_a_package_is_seen(world, site):
    (site / "lab_library").mkdir()
    (site / "lab_library" / "__init__.py").touch()
    needs = "try:\n    from lab_library.sub import VERSION\nexcept ImportError:\n    VERSION = None\n"
    agent = with_site(world, site, needs=needs)
    assert use(agent, "needs")["version"] is None
    agent.probe(f"open({str(site / 'lab_library' / 'sub.py')!r}, 'w').write('VERSION = 1')")
    assert use(agent, "needs")["version"] == 1


def test_a_library_upgraded_by_one_task_is_new_for_the_next(world, site):
    (site / "lab_library.py").write_text("VERSION = 1")
    agent = with_site(world, site)
    assert use(agent, "needs")["version"] == 1
    code = f"import os; s = {str(site)!r}; open(s + '/new', 'w').write('VERSION = 22'); os.rename(s + '/new', s + '/lab_library.py')"
    agent.probe(code)
    assert use(agent, "needs")["version"] == 22


def test_a_library_removed_by_one_task_is_gone_for_the_next(world, site):
    (site / "lab_library.py").write_text("VERSION = 1")
    agent = with_site(world, site)
    assert use(agent, "needs")["version"] == 1
    agent.probe(f"import os; os.unlink({str(site / 'lab_library.py')!r})")
    assert use(agent, "needs")["version"] is None


def test_other_changes_of_a_folder_cost_no_new_imports(world, site, tmp_path):
    log = tmp_path / "log"
    agent = with_site(world, site, needs=f"open({str(log)!r}, 'a').write('x')\n" + LIBRARY)
    use(agent, "needs")
    agent.probe(f"open({str(site / 'something_else.py')!r}, 'w').close()")
    use(agent, "needs")
    assert log.read_text() == "x"


def test_a_path_file_takes_effect_as_in_a_new_interpreter(python, launch, pack, probe_source, tmp_path):
    home = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", "--without-pip", str(home)], check=True)
    [packages] = home.glob("lib/python*/site-packages")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "lab_library.py").touch()
    agent = launch(str(home / "bin" / "python"), pack({"ansible.legacy.probe": probe_source}))
    code = "import importlib.util; result['there'] = importlib.util.find_spec('lab_library') is not None"
    assert agent.probe(code)["there"] is False
    agent.probe(f"open({str(packages / 'lab.pth')!r}, 'w').write({str(tmp_path / 'elsewhere')!r} + '\\n')")
    assert agent.probe(code)["there"] is True


# --- other payloads ---


def use_other(agent, sha, data, fqn, *utils, first=True):
    entry = agent.entry(agent.module(fqn, {}, payload=sha, utils=[UTIL + util for util in utils]), lane=f"other {sha}")
    agent.send({"t": "run", "entries": [entry]})
    if first:
        assert agent.receive("need").header["sha"] == [sha]
        agent.send({"t": "blob", "sha": sha}, [data])
    return agent.done(entry["id"]).result


def sha_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


SHOWS = "value=shared.VALUE, file=shared.__file__, zip=__import__('sys').modules['__main__']._modlib_path, path=__import__('sys').path[0]"


def test_a_second_payload_is_asked_for_kept_and_used(world, pack):
    agent = world(user_of("shared", result=SHOWS), shared="VALUE = 1")
    data = pack({"ansible.legacy.second": user_of("shared", "more", result=SHOWS)}, util_files(shared="VALUE = 1", more=""))
    sha = sha_of(data)
    assert use(agent, "shared")["value"] == 1
    result = use_other(agent, sha, data, "ansible.legacy.second", "shared", "more")
    assert result["value"] == 1
    assert result["zip"] == result["path"] == str(agent.cache / f"{sha}.pyz")
    assert (agent.cache / f"{sha}.pyz").read_bytes() == data
    assert use_other(agent, sha, data, "ansible.legacy.second", "shared", "more", first=False)["value"] == 1
    assert use(agent, "shared")["path"] == agent.path


def test_payloads_that_agree_share_what_is_warm(world, pack, tmp_path):
    log = tmp_path / "log"
    shared = f"open({str(log)!r}, 'a').write('x')\nVALUE = 1\n"
    agent = world(user_of("shared", result=SHOWS), shared=shared)
    data = pack({"ansible.legacy.second": user_of("shared", "more", result=SHOWS)}, util_files(shared=shared, more=""))
    use(agent, "shared")
    use_other(agent, sha_of(data), data, "ansible.legacy.second", "shared", "more")
    assert log.read_text() == "x"


def test_payloads_that_disagree_each_see_their_own_utils(world, pack):
    agent = world(user_of("shared", result=SHOWS), shared="VALUE = 1")
    data = pack({"ansible.legacy.second": user_of("shared", result=SHOWS)}, util_files(shared="VALUE = 2"))
    sha = sha_of(data)
    assert use(agent, "shared")["value"] == 1
    for first in (True, False):
        result = use_other(agent, sha, data, "ansible.legacy.second", "shared", first=first)
        assert result["value"] == 2
        assert result["file"].startswith(str(agent.cache / f"{sha}.pyz"))
        assert use(agent, "shared")["value"] == 1


def test_a_payload_that_is_not_what_its_name_says_is_refused(world, pack):
    agent = world(user_of("shared"), shared="")
    sha = "f" * 64
    agent.send({"t": "run", "entries": [agent.entry(agent.module("ansible.legacy.user", payload=sha))]})
    agent.receive("need")
    agent.send({"t": "blob", "sha": sha}, [b"not it"])
    assert sha in agent.receive("error").header["msg"]
    assert not (agent.cache / f"{sha}.pyz").exists()


# --- respawn ---

RESPAWN = """\
import sys
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

def main():
    module = AnsibleModule(argument_spec={"to": {"type": "path"}, "secret": {"type": "str", "no_log": True}})
    if not has_respawned():
        found = probe_interpreters_for_module(["/does/not/exist", module.params["to"]], "zlib")
        respawn_module(found)
    module.exit_json(version=list(sys.version_info[:2]), path=sys.path[0], right=module.params["secret"] == "s3cret")

if __name__ == "__main__":
    main()
"""


def test_a_module_may_respawn_under_another_interpreter(python, launch, pack):
    agent = launch(python, pack({"ansible.legacy.respawns": RESPAWN}))
    done = agent.run(agent.module("ansible.legacy.respawns", {"to": sys.executable, "secret": "s3cret"}))
    assert done.stop is None, done.err
    assert done.result["version"] == list(sys.version_info[:2])
    assert done.result["path"] == agent.path
    assert done.result["right"] is True


# --- the cache of compiled code ---


def test_a_second_agent_compiles_nothing_but_its_door(python, launch, pack, probe_source, tmp_path):
    first = launch(python)
    first.probe("")
    first.end()
    assert len(list(first.cache.glob("*.code"))) == 1
    watch = tmp_path / "site"
    watch.mkdir()
    log = tmp_path / "compiled"
    hook = """
        import builtins
        real = compile
        def compile(source, name, *args, **kwargs):
            open(LOG, "a").write(f"{name}\\n")
            return real(source, name, *args, **kwargs)
        builtins.compile = compile
        """
    (watch / "sitecustomize.py").write_text(textwrap.dedent(hook).replace("LOG", repr(str(log))))
    second = launch(python, environ={"PYTHONPATH": str(watch)})
    second.probe("")
    second.end()
    compiled = {line.partition(".pyz/")[2] for line in log.read_text().splitlines() if ".pyz/" in line}
    assert compiled == {f"rustle_agent/{name}.py" for name in ("__init__", "server", "codefile")}, "the door, and nothing behind it"


def test_a_damaged_code_file_is_made_anew(python, launch):
    first = launch(python)
    first.probe("")
    first.end()
    [code] = first.cache.glob("*.code")
    good = code.read_bytes()
    for bad in (b"", good[:100], good[:-1], good[:5000] + b"\0" + good[5001:], b"x" * len(good)):
        code.write_bytes(bad)
        again = launch(python)
        assert again.probe("result['x'] = 1")["x"] == 1
        again.end()
        assert len(code.read_bytes()) > 5000


def test_code_that_somebody_else_could_have_written_is_not_used(python, launch, tmp_path):
    agent = launch(python)
    agent.probe("")
    agent.end()
    [code] = agent.cache.glob("*.code")
    code.unlink()
    agent.cache.chmod(0o777)
    again = launch(python)
    again.cache.chmod(0o777)
    assert again.probe("result['x'] = 1")["x"] == 1
    again.end()
    assert list(agent.cache.glob("*.code")) == []


def test_only_code_is_kept_never_arguments(python, launch):
    agent = launch(python)
    agent.probe("result['secret'] = 'hidden' + 'treasure'")
    agent.run({"k": "put", "path": "/dev/null", "blob": 0, "mode": 0o666}, blobs=[b"hiddentreasure"])
    agent.end()
    for path in pathlib.Path(agent.cache).rglob("*"):
        assert b"hiddentreasure" not in path.read_bytes()
        assert os.stat(path).st_mode & 0o077 == 0 or path.suffix == ".pyz"
