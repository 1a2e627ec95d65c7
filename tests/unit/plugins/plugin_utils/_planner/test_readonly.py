"""The read-only table: what is let through only reads, whatever its words render to."""

from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.readonly import PROGRAMS, only_reads, words_of
from hypothesis import given
from hypothesis import strategies as st


def reads(line: str) -> bool:
    words = words_of({"_raw_params": line})
    return words is not None and only_reads(words)


@pytest.mark.parametrize(
    "line",
    """
    id; id {{ user }}; /usr/bin/id -u; true; false; test -e /x; [ -e /x ]; echo {{ anything }} > /x; printf %s x; ls -la {{ dir }}
    cat /etc/{{ name }}; head -n1 x; tail -n 5 x; tail -5 x; tail -c +3 x; wc -l x; stat -c %a x; readlink -f x; sha256sum x; grep -r x /etc
    uname -r; whoami; pwd; date; date +%s; date -u +%F; date -d yesterday +%F; hostname; hostname -I; nproc; uptime; ps aux; pgrep -f x
    df -h; du -sh /x; free -m; lsblk -J; findmnt /x; mountpoint -q /x; mount; env; printenv PATH; which python3
    getent passwd bob; getent group adm; dpkg -l; dpkg -l nginx*; dpkg -s nginx; dpkg --print-architecture; dpkg-query -W -f=${Status} nginx
    dpkg-query -W {{ package }}; rpm -q nginx; rpm -qa; rpm -q --qf %{VERSION} nginx; rpm -qf /bin/ls
    apt-cache policy nginx; update-alternatives --display java; pacman -Qi x
    systemctl is-active nginx; systemctl is-enabled --quiet nginx; systemctl --no-pager status nginx; systemctl show -p ActiveState nginx
    systemctl list-units --type=service; systemctl cat nginx; ip a; ip -br addr show eth0; ip route; ss -tlnp; netstat -tlnp
    sysctl net.ipv4.ip_forward; sysctl -n kernel.hostname; sysctl -a; find / -name x -type f; find /x -mtime +3 -print0; file /x; diff -u a b
    visudo -cf %s; /usr/sbin/visudo -cf %s; sshd -t -f %s; bash -n %s; python3 -m json.tool %s; python3 --version; java -version
    openssl version; openssl x509 -in x -noout -enddate; crontab -l; crontab -u bob -l; timedatectl; getenforce; jq . x; git --version
    """.replace("\n", ";").split(";"),
)
def test_these_only_read(line: str) -> None:
    assert not line.strip() or reads(line.strip())


@pytest.mark.parametrize(
    "line",
    """
    rm x; touch x; tee x; sleep 5; sort -o x y; sort x; uniq a b; xxd -r a b; sed -n p x; awk x; xargs ls; env ls; env A=b ls; sudo id; sh -c id
    bash -c id; bash x; bash -n; python3 x.py; python3 -c x; curl x; wget x; ping x; nc x; git status; git log; make; nginx -t; nginx -s reload
    date -s 12:00; date --set=12:00; date 010203042024; date 01020304 +%s; hostname x; hostname -f; hostname -F /x; hostname -b x
    getent hosts x; getent ahosts x; getent netgroup x; dpkg -i x; dpkg --configure -a; dpkg -l -i x; dpkg; rpm -i x; rpm -e x; rpm -V x
    rpm -q --pipe x; rpm -q --eval x; rpm -qp http://x; rpm --import x; apt-cache gencaches; apt list; apt-get update; dpkg-divert x
    systemctl restart nginx; systemctl; systemctl daemon-reload; systemctl -p show restart nginx; systemctl -H x is-active nginx
    systemctl is-active -H x nginx; systemctl is-active --host=x nginx; systemctl is-active --hos=x nginx; systemctl is-active -qHx nginx
    systemctl is-system-running --wait; ip addr add x dev y; ip link set x up; ip; ip -b x; ip monitor; ss -K; ss -r; ss -tr; netstat -t
    netstat -tr; sysctl -w a=b; sysctl a=b; sysctl -p; sysctl --system; sysctl; find / -delete; find / -exec ls ;; find / -execdir x
    find / -ok x; find / -fprint x; find / -fprintf x y; find / -fls x; file -C; mount /x; mount -a; umount x; dmesg -C; dmesg -c; crontab x
    crontab -r; visudo; visudo -f x; visudo x; sshd; openssl x509 -in x -out y; openssl x509 -in x; openssl s_client; timedatectl set-time x
    hostnamectl hostname x; hostnamectl set-hostname x; service nginx status; journalctl --vacuum-time=1d; tail -f x; tail -F x; tail --follow x
    docker ps; docker version; mysql version; mysql -v; ssh -version; ssh x; node version; update-alternatives --set a b; ldconfig; promtool push
    pacman -S x; pacman -Qu; findmnt --poll; who --lookup; lsof; last; journalctl; ldd x; kubectl get pods
    """.replace("\n", ";").split(";"),
)
def test_these_do_not_only_read(line: str) -> None:
    assert not reads(line.strip())


@pytest.mark.parametrize("folder", ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"])
def test_a_program_counts_in_the_system_folders(folder: str) -> None:
    assert reads(f"{folder}ls -l")


@pytest.mark.parametrize(
    "program",
    ["/opt/bin/ls", "/usr/local/bin/ls", "./ls", "bin/ls", "~/ls", "/ls", "/usr/bin/../../x/ls", "{{ x }}", "{{ x }}/ls", "ls{{ x }}"],
)
def test_a_program_of_another_place_does_not(program: str) -> None:
    assert not reads(f"{program} -l")


@pytest.mark.parametrize(
    "line", ["find {{ x }} -name y", "systemctl is-active {{ x }}", "dpkg -s {{ x }}", "date {{ x }}", "find $X -name y"]
)
def test_a_word_that_may_render_to_an_option_counts_where_options_matter(line: str) -> None:
    assert not reads(line)


@pytest.mark.parametrize("line", ["ls {{- x }}", "ls {%- if x %}y{% endif %}", "ls {#- x #}y"])
def test_a_template_that_eats_the_blank_before_it_may_change_the_program(line: str) -> None:
    assert not reads(line)


@pytest.mark.parametrize(
    "args", [{}, {"argv": []}, {"argv": "{{ x }}"}, {"_raw_params": ""}, {"_raw_params": "id 'x"}, {"cmd": 3}, {"cmd": None}]
)
def test_a_command_that_cannot_be_told_is_not_read_only(args: dict[str, object]) -> None:
    assert not only_reads(words_of(args) or [])


def test_argv_words_are_words_whatever_is_in_them() -> None:
    assert words_of({"argv": ["ls", "a b", 1]}) == ["ls", "a b", "1"]


@given(st.sampled_from(sorted(PROGRAMS)), st.lists(st.text(max_size=6), max_size=4))
def test_a_program_without_a_dangerous_word_never_gets_worse_by_a_template(program: str, words: list[str]) -> None:
    templated = [program, *words, "{{ x }}"]
    if only_reads(templated):
        assert only_reads([program, *words])


@given(st.text(max_size=30))
def test_no_text_is_too_strange(line: str) -> None:
    reads(line)
