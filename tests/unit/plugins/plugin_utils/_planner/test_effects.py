"""The effects tables: every builtin has its scope here, by hand, and so have the arguments that decide."""

from __future__ import annotations

import pkgutil
from typing import Any

import ansible.modules
import ansible.plugins.action
import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of, interferes, is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.places import shared_mounts
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import COLLECTIONS, names_in
from hypothesis import given
from hypothesis import strategies as st

NONE, PRIVATE, WORLDLY = Scope.NONE, Scope.PRIVATE, Scope.WORLDLY
BUILTIN = names_in("ansible.builtin")
EVERY = [name for collection in COLLECTIONS for name in names_in(collection)]
URL = "https://example.com/x"
T = "{{ x }}"


def of(action: str, args: dict[str, Any] | None = None, **keywords: Any) -> Effects:
    return effects_of(TaskNode(action=action, args=args or {}, **keywords))


# one row at least for each module and action of ansible.builtin
SCOPES: list[tuple[str, dict[str, Any], Scope]] = [
    ("add_host", {"name": "x"}, NONE),
    ("apt", {"name": "nginx"}, WORLDLY),
    ("apt", {"update_cache": True}, WORLDLY),
    ("apt_key", {"data": "..."}, PRIVATE),
    ("apt_key", {"id": "1", "state": "absent"}, PRIVATE),
    ("apt_key", {"url": URL}, WORLDLY),
    ("apt_key", {"keyserver": "keys.example.com", "id": "1"}, WORLDLY),
    ("apt_repository", {"repo": "deb http://x y main"}, WORLDLY),
    ("apt_repository", {"repo": "deb http://x y main", "update_cache": False}, PRIVATE),
    ("apt_repository", {"repo": "deb http://x y main", "update_cache": T}, WORLDLY),
    ("apt_repository", {"repo": "ppa:a/b", "update_cache": False}, WORLDLY),
    ("apt_repository", {"repo": T, "update_cache": False}, WORLDLY),
    ("assemble", {"src": "/a", "dest": "/b"}, PRIVATE),
    ("assert", {"that": "x"}, NONE),
    ("async_status", {"jid": "1"}, WORLDLY),
    ("async_wrapper", {}, WORLDLY),
    ("blockinfile", {"path": "/a", "block": "x"}, PRIVATE),
    ("command", {"_raw_params": "id"}, PRIVATE),
    ("command", {"_raw_params": "rm -rf /x"}, WORLDLY),
    ("command", {"argv": ["id", T]}, PRIVATE),
    ("command", {"argv": T}, WORLDLY),
    ("command", {"_raw_params": T}, WORLDLY),
    ("command", {"cmd": "id", "creates": "/x", "chdir": "/y", "stdin": "z"}, PRIVATE),
    ("command", {"_raw_params": "id", "_uses_shell": True}, WORLDLY),
    ("command", {"_raw_params": "id", "_variable_params": T}, WORLDLY),
    ("copy", {"src": "x", "dest": "/x"}, PRIVATE),
    ("copy", {"content": T, "dest": T}, PRIVATE),
    ("copy", {"src": "x", "dest": "/x", "validate": "visudo -cf %s"}, PRIVATE),
    ("copy", {"src": "x", "dest": "/x", "validate": "/usr/sbin/visudo -cf %s"}, PRIVATE),
    ("copy", {"src": "x", "dest": "/x", "validate": "/opt/check --online %s"}, WORLDLY),
    ("copy", {"src": "x", "dest": "/x", "validate": T}, WORLDLY),
    ("cron", {"name": "x", "job": "y"}, WORLDLY),
    ("deb822_repository", {"name": "x", "uris": URL, "signed_by": "/etc/apt/x.asc"}, PRIVATE),
    ("deb822_repository", {"name": "x", "uris": URL, "signed_by": URL}, WORLDLY),
    ("deb822_repository", {"name": "x", "uris": URL, "signed_by": T}, WORLDLY),
    ("deb822_repository", {"name": "x", "install_python_debian": True}, WORLDLY),
    ("debconf", {"name": "x"}, PRIVATE),
    ("debug", {"msg": T}, NONE),
    ("dnf", {"name": "x"}, WORLDLY),
    ("dnf5", {"name": "x"}, WORLDLY),
    ("dpkg_selections", {"name": "x", "selection": "hold"}, PRIVATE),
    ("expect", {"command": "passwd"}, WORLDLY),
    ("fail", {}, NONE),
    ("fetch", {"src": "/a", "dest": "b"}, WORLDLY),
    ("file", {"path": "/x", "state": "absent"}, PRIVATE),
    ("find", {"paths": "/x"}, PRIVATE),
    ("gather_facts", {}, PRIVATE),
    ("get_url", {"url": URL, "dest": "/x"}, WORLDLY),
    ("getent", {"database": "passwd"}, PRIVATE),
    ("getent", {"database": "hosts", "key": "db"}, WORLDLY),
    ("getent", {"database": T}, WORLDLY),
    ("git", {"repo": URL, "dest": "/x"}, WORLDLY),
    ("group", {"name": "x"}, PRIVATE),
    ("group_by", {"key": T}, NONE),
    ("hostname", {"name": "x"}, WORLDLY),
    ("import_playbook", {"_raw_params": "x.yml"}, NONE),
    ("import_role", {"name": "x"}, NONE),
    ("import_tasks", {"_raw_params": "x.yml"}, NONE),
    ("include_role", {"name": T}, NONE),
    ("include_tasks", {"_raw_params": "x.yml"}, NONE),
    ("include_vars", {"_raw_params": "x.yml"}, NONE),
    ("iptables", {"chain": "INPUT"}, WORLDLY),
    ("known_hosts", {"name": "x", "key": "y"}, PRIVATE),
    ("lineinfile", {"path": "/x", "line": T}, PRIVATE),
    ("lineinfile", {"path": "/x", "line": T, "validate": "curl %s"}, WORLDLY),
    ("meta", {"_raw_params": "end_host"}, NONE),
    ("meta", {"_raw_params": "refresh_inventory"}, WORLDLY),
    ("mount_facts", {}, WORLDLY),
    ("package", {"name": "x"}, WORLDLY),
    ("package_facts", {}, PRIVATE),
    ("pause", {"seconds": 1}, WORLDLY),
    ("ping", {}, PRIVATE),
    ("pip", {"name": "x"}, WORLDLY),
    ("raw", {"_raw_params": "id"}, WORLDLY),
    ("reboot", {}, WORLDLY),
    ("replace", {"path": "/x"}, PRIVATE),
    ("rpm_key", {"key": "/x.asc"}, PRIVATE),
    ("rpm_key", {"key": URL}, WORLDLY),
    ("rpm_key", {"key": T}, WORLDLY),
    ("script", {"_raw_params": "x.sh"}, WORLDLY),
    ("service", {"name": "x"}, WORLDLY),
    ("service_facts", {}, PRIVATE),
    ("set_fact", {"x": T}, NONE),
    ("set_stats", {"data": {}}, NONE),
    ("setup", {}, PRIVATE),
    ("shell", {"_raw_params": "id"}, WORLDLY),
    ("slurp", {"src": "/x"}, PRIVATE),
    ("stat", {"path": T}, PRIVATE),
    ("subversion", {"repo": URL}, WORLDLY),
    ("systemd", {"name": "x"}, WORLDLY),
    ("systemd_service", {"daemon_reload": True}, WORLDLY),
    ("sysvinit", {"name": "x"}, WORLDLY),
    ("tempfile", {}, PRIVATE),
    ("template", {"src": "x.j2", "dest": "/x"}, PRIVATE),
    ("unarchive", {"src": "x.tgz", "dest": "/x"}, PRIVATE),
    ("unarchive", {"src": T, "dest": "/x"}, PRIVATE),
    ("unarchive", {"src": "/x.tgz", "dest": "/x", "remote_src": True}, PRIVATE),
    ("unarchive", {"src": URL, "dest": "/x", "remote_src": True}, WORLDLY),
    ("unarchive", {"src": T, "dest": "/x", "remote_src": True}, WORLDLY),
    ("unarchive", {"src": T, "dest": "/x", "remote_src": T}, WORLDLY),
    ("unarchive", {"src": URL, "dest": "/x", "copy": False}, WORLDLY),
    ("unarchive", {"_variable_params": T}, WORLDLY),
    ("uri", {"url": URL}, WORLDLY),
    ("user", {"name": "x"}, PRIVATE),
    ("validate_argument_spec", {}, NONE),
    ("wait_for", {"path": "/x"}, WORLDLY),
    ("wait_for_connection", {}, WORLDLY),
    ("yum_repository", {"name": "x"}, PRIVATE),
]
OTHERS: list[tuple[str, dict[str, Any], Scope]] = [
    ("ansible.posix.authorized_key", {"user": "x", "key": "y"}, WORLDLY),
    ("ansible.posix.mount", {"path": "/x"}, WORLDLY),
    ("ansible.posix.sysctl", {"name": "net.ipv4.ip_forward"}, WORLDLY),
    ("ansible.posix.acl", {"path": "/x"}, PRIVATE),
    ("ansible.posix.synchronize", {"src": "a", "dest": "b"}, WORLDLY),
    ("community.general.ini_file", {"path": "/x"}, PRIVATE),
    ("community.general.timezone", {"name": "UTC"}, PRIVATE),
    ("community.general.ufw", {}, WORLDLY),
    ("community.general.modprobe", {"name": "br_netfilter"}, WORLDLY),
    ("community.general.java_cert", {"cert_url": "x"}, WORLDLY),
    ("community.general.java_cert", {"cert_path": "/x"}, PRIVATE),
    ("community.crypto.x509_certificate", {"path": "/x", "provider": "selfsigned"}, PRIVATE),
    ("community.crypto.x509_certificate", {"path": "/x", "provider": "acme"}, WORLDLY),
    ("community.crypto.x509_certificate", {"path": "/x", "provider": T}, WORLDLY),
    ("community.docker.docker_container", {"name": "x"}, WORLDLY),
    ("kubernetes.core.k8s", {}, WORLDLY),
    ("my.own.module", {}, WORLDLY),
    ("no_such_module", {}, WORLDLY),
    (T, {}, WORLDLY),
]


@pytest.mark.parametrize(("action", "args", "scope"), SCOPES + OTHERS)
def test_the_scope_of_a_task_is(action: str, args: dict[str, Any], scope: Scope) -> None:
    assert of(action, args).scope is scope


@pytest.mark.parametrize("prefix", ["ansible.builtin.", "ansible.legacy."])
@pytest.mark.parametrize(("action", "args", "scope"), SCOPES)
def test_a_full_name_means_the_same_as_the_short_one(prefix: str, action: str, args: dict[str, Any], scope: Scope) -> None:
    assert of(prefix + action, args) == of(action, args)


def installed_builtins() -> set[str]:
    names = {name for package in (ansible.modules, ansible.plugins.action) for _f, name, _p in pkgutil.iter_modules(package.__path__)}
    return names - {"normal"}  # the action behind every plain module, never a task's own


def test_every_builtin_of_the_installed_core_is_in_the_table() -> None:
    assert not {name for name in installed_builtins() if not is_known(f"ansible.builtin.{name}")}


def test_every_entry_of_the_table_is_a_builtin_of_the_installed_core() -> None:
    assert set(BUILTIN) <= installed_builtins()


def test_every_entry_of_the_table_is_judged_by_hand_in_this_test() -> None:
    assert {action for action, _args, _scope in SCOPES} == set(BUILTIN)


@pytest.mark.parametrize("action", EVERY)
def test_no_row_needs_any_argument_to_be_given_or_literal(action: str) -> None:
    assert isinstance(of(action), Effects)
    templates = dict.fromkeys(["name", "path", "src", "dest", "_raw_params", "state", "key", "repo", "url", "remote_src", "validate"], T)
    assert isinstance(of(action, templates), Effects)


@given(st.sampled_from(EVERY), st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.text(max_size=8)))
def test_rows_take_whatever_stands_in_a_playbook(action: str, args: dict[str, Any]) -> None:
    assert isinstance(of(action, args), Effects)


@given(
    st.sampled_from(sorted(BUILTIN)),
    st.dictionaries(st.sampled_from(["src", "repo", "key", "url", "remote_src", "update_cache", "database", "cmd"]), st.just(T)),
)
def test_hiding_arguments_never_narrows_a_scope(action: str, args: dict[str, Any]) -> None:
    width = [NONE, PRIVATE, WORLDLY].index
    hidden = of(action, {**args, "_variable_params": T}).scope
    assert width(hidden) >= width(of(action, args).scope)


# --- what is touched ----------------------------------------------------------------------------------------------------


def test_copy_reads_the_controller_unless_its_source_is_on_the_host() -> None:
    assert of("copy", {"src": "/srv/x", "dest": "/x"}).reads == ("file:/x", "controller:/srv/x")
    assert of("copy", {"src": "files/x", "dest": "/x"}).reads == ("file:/x", "controller:*")
    there = of("copy", {"src": "/srv/x", "dest": "/x", "remote_src": True})
    assert there.reads == ("file:/x", "file:/srv/x") and not there.controller_reads
    assert not of("copy", {"content": "x", "dest": "/x"}).controller_reads
    assert set(of("copy", {"src": "/a", "dest": "/x", "remote_src": T}).reads) == {"file:/x", "file:/a", "controller:/a"}


@pytest.mark.parametrize("action", ["template", "unarchive", "script", "include_vars", "include_tasks"])
def test_what_starts_from_a_file_of_the_controller_reads_it(action: str) -> None:
    assert of(action, {"src": "/s", "_raw_params": "/s", "dest": "/d"}).controller_reads


def test_fetch_writes_the_controller() -> None:
    effects = of("fetch", {"src": "/etc/key", "dest": "/srv/keys"})
    assert effects.controller_writes and effects.writes == ("controller:/srv/keys",)
    assert of("fetch", {"src": "/etc/key", "dest": "keys"}).writes == ("controller:*",)


def test_files_name_what_they_write_and_whom_they_belong_to() -> None:
    effects = of("file", {"path": "/srv/x", "owner": "bob", "group": T})
    assert effects.writes == ("file:/srv/x",)
    assert {"user:bob", "group:*"} <= set(effects.reads)


def test_a_path_by_any_alias_is_found() -> None:
    for alias in ("path", "dest", "destfile", "name"):
        assert of("lineinfile", {alias: "/x"}).writes == ("file:/x",)


def test_find_takes_a_list_in_one_text() -> None:
    assert of("find", {"paths": "/a,/b"}).reads == ("file:/a", "file:/b")


def test_set_fact_writes_its_variables() -> None:
    assert of("set_fact", {"a": 1, "b": 2, "cacheable": True}).writes == ("var:a", "var:b")
    assert of("set_fact", {T: 1}).writes == ("var:*",)
    assert of("set_fact", {"_variable_params": T}).writes == ("var:*",)


def test_packages_are_named_though_they_are_worldly() -> None:
    assert "package:nginx" in of("apt", {"pkg": ["nginx", "curl"]}).writes


def test_read_only_commands_write_nothing() -> None:
    assert of("command", {"cmd": "ls /x"}) == Effects(PRIVATE, reads=("*",))


def test_a_task_that_is_always_skipped_touches_nothing() -> None:
    assert of("shell", {"_raw_params": "x"}, when_constant_false=True) == Effects(NONE)


def test_a_module_of_the_user_is_worldly_whatever_its_name() -> None:
    assert of("stat", {"path": "/x"}, own_module=True).scope is WORLDLY


@pytest.mark.parametrize("path", ["/proc/sys/net/ipv4/ip_forward", "/sys/class/net/eth0/mtu", "/net/filer/x", "/afs/x"])
def test_writing_to_a_place_beyond_the_host_is_worldly(path: str) -> None:
    assert of("copy", {"content": "1", "dest": path}).scope is WORLDLY


def test_reading_the_kernel_is_private_and_reading_a_network_mount_is_not() -> None:
    assert of("slurp", {"src": "/proc/meminfo"}).scope is PRIVATE
    assert of("slurp", {"src": "/net/filer/x"}).scope is WORLDLY


def test_a_path_on_a_known_network_mount_is_worldly_and_an_unknown_path_is_not_held_for_one() -> None:
    assert of("copy", {"dest": "/home/bob/x"}, shared_mounts=("/home",)).scope is WORLDLY
    assert of("stat", {"path": "/home/bob"}, shared_mounts=("/home",)).scope is WORLDLY
    assert of("file", {"path": "/srv", "recurse": True}, shared_mounts=("/srv/share",)).scope is WORLDLY
    assert of("copy", {"dest": "/homes/x"}, shared_mounts=("/home",)).scope is PRIVATE
    assert of("copy", {"dest": T}, shared_mounts=("/home",)).scope is PRIVATE
    assert of("copy", {"dest": "/home/x"}, shared_mounts=("/home",), rescope=PRIVATE).scope is PRIVATE


def test_network_mounts_are_known_from_the_facts() -> None:
    facts = [
        {"mount": "/", "fstype": "ext4"},
        {"mount": "/home", "fstype": "nfs4"},
        {"mount": "/x", "fstype": "CIFS"},
        {"fstype": "nfs"},
        {},
    ]
    assert shared_mounts(facts) == ("/home", "/x")


# --- lookups ------------------------------------------------------------------------------------------------------------


def test_a_lookup_of_a_file_reads_the_controller_and_is_no_barrier() -> None:
    effects = of("debug", {"msg": "{{ lookup('file', 'x') }}"})
    assert effects.scope is NONE and effects.controller_reads


@pytest.mark.parametrize(
    "text", ["{{ lookup('pipe', 'date') }}", "{{ query(name) }}", "{{ q('my.own.lookup') }}", "{{ lookup('password', 'x') }}"]
)
def test_a_lookup_that_may_touch_anything_makes_any_task_worldly(text: str) -> None:
    assert of("debug", {"msg": text}).scope is WORLDLY
    assert of("copy", {"content": text, "dest": "/x"}).scope is WORLDLY


def test_lookups_outside_the_arguments_count_as_well() -> None:
    assert of("debug", {"msg": "{{ item }}"}, lookups=("pipe",)).scope is WORLDLY
    assert of("debug", {"msg": "{{ item }}"}, lookups=("items", "ansible.builtin.dict")).scope is NONE


# --- fresh logins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("user", {"name": "bob"}),
        ("group", {"name": "adm"}),
        ("reboot", {}),
        ("meta", {"_raw_params": "reset_connection"}),
        ("copy", {"dest": "/etc/pam.d/sshd"}),
        ("lineinfile", {"path": "/etc/ssh/sshd_config"}),
        ("lineinfile", {"path": "{{ home }}/.bashrc"}),
        ("service", {"name": "sshd", "state": "restarted"}),
        ("apt", {"name": "libpam-ldap"}),
        ("command", {"cmd": "usermod -aG docker bob"}),
        ("shell", {"_raw_params": "gpasswd -a bob {{ g }} && true"}),
        ("community.general.pam_limits", {"domain": "bob"}),
    ],
)
def test_what_a_fresh_login_sees_differently_restarts_the_agent(action: str, args: dict[str, Any]) -> None:
    assert of(action, args).restarts_agent


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("copy", {"dest": "/etc/nginx/nginx.conf"}),
        ("service", {"name": "nginx"}),
        ("apt", {"name": "nginx"}),
        ("command", {"cmd": "cat /etc/passwd"}),
        ("command", {"cmd": "getent passwd bob"}),
        ("stat", {"path": "/etc/passwd"}),
        ("shell", {"_raw_params": "grep bob /etc/passwd | wc -l"}),
        ("debug", {"msg": "usermod"}),
    ],
)
def test_other_tasks_leave_the_agent_alone(action: str, args: dict[str, Any]) -> None:
    assert not of(action, args).restarts_agent


# --- declarations -------------------------------------------------------------------------------------------------------


def test_a_declared_scope_overrules_the_table() -> None:
    assert of("shell", {"_raw_params": "x"}, rescope=PRIVATE).scope is PRIVATE
    assert of("copy", {"dest": "/x"}, rescope=WORLDLY).scope is WORLDLY
    assert of("debug", rescope=WORLDLY).scope is WORLDLY


def test_a_play_declared_private_leaves_a_task_that_touches_nothing_as_it_is() -> None:
    assert of("debug", rescope=PRIVATE).scope is NONE


def test_a_declared_scope_changes_neither_resources_nor_the_controllers_part() -> None:
    effects = of("fetch", {"src": "/a", "dest": "/b"}, rescope=PRIVATE)
    assert effects.scope is PRIVATE and effects.controller_writes and effects.writes == ("controller:/b",)
    assert of("shell", {"_raw_params": "x"}, rescope=PRIVATE).writes == ("*",)


def test_declared_effects_on_the_host_make_a_task_private() -> None:
    effects = of("shell", {"_raw_params": "x"}, declared_effects=DeclaredEffects(writes=("file:/srv/app",), reads=("file:/etc",)))
    assert effects == Effects(PRIVATE, writes=("file:/srv/app",), reads=("file:/etc",))


def test_declared_effects_beyond_the_host_make_a_task_worldly() -> None:
    declared = DeclaredEffects(writes=("world:dns",))
    assert of("copy", {"dest": "/x"}, declared_effects=declared).scope is WORLDLY
    assert of("shell", {"_raw_params": "x"}, declared_effects=DeclaredEffects(reads=("world:*",))).scope is WORLDLY


def test_declared_effects_cannot_hide_files_of_the_controller() -> None:
    effects = of("copy", {"src": "/a", "dest": "/x"}, declared_effects=DeclaredEffects(writes=("file:/x",)))
    assert effects.controller_reads and "controller:/a" in effects.reads


def test_of_two_declarations_the_scope_wins() -> None:
    assert of("shell", rescope=PRIVATE, declared_effects=DeclaredEffects(writes=("world:*",))).scope is PRIVATE


# --- the controller as a host ---------------------------------------------------------------------------------------------


def test_on_the_controller_every_write_is_a_write_of_the_controllers_files() -> None:
    effects = of("file", {"path": "/srv/x"}, on_controller=True)
    assert effects.controller_writes and "controller:/srv/x" in effects.writes
    assert "controller:*" in of("shell", {"_raw_params": "x"}, on_controller=True).writes


def test_on_the_controller_what_only_reads_writes_nothing() -> None:
    effects = of("stat", {"path": "/srv/x"}, on_controller=True)
    assert not effects.controller_writes and effects.controller_reads
    assert not of("set_fact", {"x": 1}, on_controller=True).controller_writes


# --- two tasks ------------------------------------------------------------------------------------------------------------


def test_two_tasks_interfere_when_one_may_see_what_the_other_writes() -> None:
    write, read = of("copy", {"content": "x", "dest": "/srv/a/b"}), of("stat", {"path": "/srv/a"})
    assert interferes(write, read) and interferes(read, write) and interferes(write, write)
    assert not interferes(read, read)
    assert not interferes(write, of("copy", {"content": "x", "dest": "/srv/c"}))
