# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What comes to a task from where it stands: folders that are missing, links, accounts by their files."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, SourceTask, StaticFile
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.surroundings import Surroundings, implied

from .builders import graph, task


def folder(task_id: str, path: str, **given: Any) -> SourceTask:
    return task(task_id, "file", {"path": path, "state": "directory"}, **given)


def copy(task_id: str, dest: str, **given: Any) -> SourceTask:
    return task(task_id, "copy", {"content": "x", "dest": dest}, **given)


def link(task_id: str, source: str, path: str, **more: Any) -> SourceTask:
    return task(task_id, "file", {"src": source, "path": path, "state": "link", **more})


def apart(*tasks: SourceTask) -> set[str]:
    """Pairs of them, like ``1-2``, of which one has to come first."""
    way = graph(*tasks)
    return {f"{a.task_id}-{b.task_id}" for n, a in enumerate(tasks) for b in tasks[n + 1:] if not way.independent(a.task_id, b.task_id)}


# --- folders


def test_the_first_task_makes_the_missing_folder_and_the_others_find_it() -> None:
    assert apart(folder("1", "/srv/a/b"), folder("2", "/srv/a/c"), folder("3", "/srv/a/d"), copy("4", "/srv/a/e")) == {"1-2", "1-3", "1-4"}


@pytest.mark.parametrize("path", ["/srv", "/etc/cron.d", "/usr/local/bin", "/var/lib"])
def test_folders_that_every_host_has_are_made_by_nobody(path: str) -> None:
    assert apart(folder("1", f"{path}/a"), folder("2", f"{path}/b"), copy("3", f"{path}/c")) == set()


@pytest.mark.parametrize(
    "given",
    [
        {"conditions": (Condition(kind="when", text="x"),)},
        {"loop": True},
        {"check_mode": True},
        {"blocks": (("b", "rescue"),)},
        {"blocks": (("b", "always"),)},
    ],
)
def test_a_task_that_may_not_run_leaves_the_folder_to_the_next_one(given: dict[str, Any]) -> None:
    assert apart(folder("1", "/srv/a/b", **given), folder("2", "/srv/a/c"), folder("3", "/srv/a/d")) == {"1-2", "1-3", "2-3"}


def test_a_condition_that_is_known_and_tags_leave_a_task_certain() -> None:
    given = (Condition(kind="when", text="x", decided=True), Condition(kind="tag", values=("t",)))
    assert apart(folder("1", "/srv/a/b", conditions=given), folder("2", "/srv/a/c"), folder("3", "/srv/a/d")) == {"1-2", "1-3"}


@pytest.mark.parametrize("between", [task("x", "shell", {"_raw_params": "x"}), task("x", "file", {"path": "/srv/a", "state": "absent"}),
                                     task("x", "file", {"path": "/srv/a", "state": "{{ state }}"})])  # fmt: skip
def test_what_may_have_been_removed_is_made_anew(between: SourceTask) -> None:
    assert "2-3" in apart(folder("1", "/srv/a"), between, folder("2", "/srv/a/b"), folder("3", "/srv/a/c"))


MAKERS = [
    ("file", {"path": "/srv/a/X", "state": "directory"}, True), ("file", {"path": "/srv/a/X", "recurse": True}, True),
    ("file", {"path": "/srv/a/X", "state": "{{ s }}"}, True), ("file", {"path": "/srv/a/X", "state": "touch"}, False),
    ("file", {"path": "/srv/a/X"}, False), ("file", {"path": "/srv/a/X", "state": "absent"}, False),
    ("copy", {"content": "x", "dest": "/srv/a/X"}, False), ("copy", {"src": "tree", "dest": "/srv/a/X"}, True),
    ("copy", {"content": "x", "dest": "/srv/a/X/"}, True), ("template", {"src": "x", "dest": "/srv/a/X"}, False),
    ("lineinfile", {"path": "/srv/a/X", "line": "x"}, False), ("lineinfile", {"path": "/srv/a/X", "line": "x", "create": True}, True),
    ("blockinfile", {"path": "/srv/a/X", "block": "x", "create": "{{ c }}"}, True), ("replace", {"path": "/srv/a/X", "regexp": "x"}, False),
    ("community.general.ini_file", {"path": "/srv/a/X", "option": "o"}, True), ("community.crypto.openssl_privatekey", {"path": "/srv/a/X"}, False),
    ("ansible.posix.acl", {"path": "/srv/a/X"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("action", "args", "makes"), MAKERS)
def test_which_tasks_make_the_folders_above_what_they_write(action: str, args: dict[str, Any], makes: bool) -> None:
    assert (apart(task("1", action, args), copy("2", "/srv/a/other")) == {"1-2"}) is makes


def test_a_copy_of_what_is_known_to_be_a_file_makes_no_folder() -> None:
    file = StaticFile(path="files/a", size=1, checksum="")
    assert apart(task("1", "copy", {"src": "a", "dest": "/srv/a/x"}, files=(file,)), copy("2", "/srv/a/y")) == set()


def test_who_declares_effects_has_named_all_of_them() -> None:
    assert apart(task("1", "shell", {"_raw_params": "x"}, writes=("file:/srv/a/x",), rescope=None), copy("2", "/srv/a/y")) == set()


# --- links


def test_behind_a_link_a_path_is_also_the_one_that_it_leads_to() -> None:
    assert apart(link("1", "/data", "/l"), copy("2", "/l/x"), copy("3", "/data/x"), copy("4", "/data/y")) == {"1-2", "1-3", "1-4", "2-3"}


def test_links_are_followed_through_others_and_from_their_own_folder() -> None:
    assert "3-4" in apart(link("1", "/data", "/l"), link("2", "/l/sub", "/m"), copy("3", "/m/x"), copy("4", "/data/sub/x"))
    assert "2-3" in apart(link("1", "data", "/srv/l"), copy("2", "/srv/l/x"), copy("3", "/srv/data/x"))
    assert "2-3" in apart(link("1", "../data", "/srv/l"), copy("2", "/srv/l/x"), copy("3", "/data/x"))


def test_a_link_that_leads_nobody_knows_where_may_lead_anywhere() -> None:
    assert "2-3" in apart(link("1", "{{ where }}", "/l"), copy("2", "/l/x"), copy("3", "/data/x"))
    assert "2-3" in apart(link("1", "/data", "{{ where }}"), copy("2", "/other/x"), copy("3", "/data/x"))
    assert "2-3" not in apart(link("1", "{{ where }}", "/l"), copy("2", "/a/x"), copy("3", "/data/x"))


def test_a_link_into_itself_comes_to_an_end() -> None:
    around = Surroundings()
    around.around(link("1", "/a/b", "/a"), (), ())
    writes, _reads = around.around(copy("2", "/a/x"), ("file:/a/x",), ())
    assert "file:*" in writes
    assert len(writes) < 500


def test_a_bind_mount_is_a_link_and_a_disk_is_none() -> None:
    def mount(source: str, **more: Any) -> SourceTask:
        return task("1", "ansible.posix.mount", {"path": "/m", "src": source, "state": "mounted", **more})

    assert "2-3" in apart(mount("/data", opts="rw,bind"), copy("2", "/m/x"), copy("3", "/data/x"))
    assert "2-3" not in apart(mount("/dev/sdb", opts="rw"), copy("2", "/m/x"), copy("3", "/dev/sdb"))
    assert "2-3" not in apart(mount("server:/data", fstype="nfs", opts="rw"), copy("2", "/m/x"), copy("3", "/data/x"))


# --- files that stand for more


@pytest.mark.parametrize(
    ("resource", "more"),
    [
        ("file:/etc/passwd", {"user:*", "group:*", "logins:/etc/passwd"}),
        ("file:/etc", {"user:*", "group:*", "logins:/etc"}),
        ("file:*", {"user:*", "group:*", "logins:*"}),
        ("file:/etc/sudoers.d/app", {"logins:/etc/sudoers.d/app"}),
        ("file:/etc/passwd.d", set()),
        ("file:/srv", set()),
        ("user:app", {"group:app"}),
        ("package:sudo", set()),
    ],
)
def test_what_is_written_with_a_resource(resource: str, more: set[str]) -> None:
    assert set(implied(resource)) == more


def test_rules_of_logins_are_files_of_their_own_and_hold_for_every_task_with_become() -> None:
    rules = [copy("1", "/etc/sudoers.d/a"), copy("2", "/etc/sudoers.d/b"), copy("3", "/etc/x", become="sudo:root"), copy("4", "/etc/y")]
    assert apart(*rules) == {"1-3", "2-3"}
