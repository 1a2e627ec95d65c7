# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import io
import os
import pkgutil
import runpy
import subprocess
import sys
import zipfile
import zipimport

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import codefile
from ansible_collections.rustle.engine.plugins.module_utils._agent.payload import Archive, Cache, Mount

FILES = {
    "lab_pkg/__init__.py": "WHO = __name__\n",
    "lab_pkg/mod.py": "# -*- coding: latin-1 -*-\nWHO = __name__\n\n\ndef function():\n    return 'ü'\n",
    "lab_pkg/data.txt": "data",
    "lab_pkg/sub/__init__.py": "from . import deep\n",
    "lab_pkg/sub/deep.py": "from .. import mod\n",
    "lab_bare/inner.py": "",
    "lab_top.py": "X = 1\n",
}


def packed(files) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode("latin-1"))
    return output.getvalue()


def keep(folder, files) -> str:
    data = packed(files)
    path = folder / f"{hashlib.sha256(data).hexdigest()}.pyz"
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "cache"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def clean(monkeypatch):
    """The import system, as it was before."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.fixture
def archive(folder, clean):
    archive = Archive(keep(folder, FILES))
    Mount().add(archive)
    sys.path.insert(0, archive.path)
    yield archive
    archive.close()


NAMES = ["lab_pkg", "lab_pkg.mod", "lab_pkg.sub", "lab_pkg.sub.deep", "lab_top"]


@pytest.mark.parametrize("name", NAMES)
def test_a_module_looks_as_if_zipimport_had_imported_it(archive, name):
    ours = importlib.import_module(name)
    probe = (
        f"import sys, importlib; sys.path.insert(0, {archive.path!r}); m = importlib.import_module({name!r}); "
        "print([m.__file__, list(getattr(m, '__path__', [])), m.__package__, m.__spec__.origin, m.__spec__.has_location, m.__spec__.parent])"
    )
    theirs = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.strip()
    spec = ours.__spec__
    assert str([ours.__file__, list(getattr(ours, "__path__", [])), ours.__package__, spec.origin, spec.has_location, spec.parent]) == theirs


def test_what_is_found_is_run_without_zipimport(archive):
    assert not isinstance(importlib.util.find_spec("lab_top").loader, zipimport.zipimporter)


def test_sources_are_there_for_inspect_and_tracebacks(archive):
    module = importlib.import_module("lab_pkg.mod")
    assert inspect.getsource(module) == FILES["lab_pkg/mod.py"]
    assert inspect.getsource(module.function) == "def function():\n    return 'ü'\n"


def test_runpy_runs_it(archive):
    assert runpy.run_module("lab_pkg.mod", run_name="__main__")["WHO"] == "__main__"


def test_pkgutil_reads_data_and_lists_modules(archive):
    assert pkgutil.get_data("lab_pkg", "data.txt") == b"data"
    assert sorted(found.name for found in pkgutil.iter_modules([archive.path])) == ["lab_pkg", "lab_top"]
    assert sorted((found.name, found.ispkg) for found in pkgutil.iter_modules([archive.path + "/lab_pkg"], "p.")) == [("p.mod", False), ("p.sub", True)]
    with pytest.raises(OSError):
        pkgutil.get_data("lab_pkg", "nothing.txt")


def test_importlib_reads_resources(archive):
    from importlib import resources

    assert resources.files("lab_pkg").joinpath("data.txt").read_text() == "data"


def test_a_folder_without_init_is_a_namespace(archive):
    assert importlib.import_module("lab_bare.inner").__file__.endswith("lab_bare/inner.py")


def test_what_the_archive_lacks_is_looked_for_elsewhere(archive, tmp_path):
    other = tmp_path / "other"
    (other / "lab_pkg").mkdir(parents=True)
    (other / "lab_pkg" / "extra.py").touch()
    module = importlib.import_module("lab_pkg")
    module.__path__.append(str(other / "lab_pkg"))
    assert importlib.import_module("lab_pkg.extra").__file__ == str(other / "lab_pkg" / "extra.py")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lab_pkg.nothing")


def test_archives_that_agree_are_one_tree_and_others_are_refused(folder, clean):
    one = {"ansible_collections/__init__.py": "", "ansible_collections/a.py": "1", "README": "1", "rustle_agent/x.py": "1"}
    mount = Mount()
    assert mount.add(Archive(keep(folder, one)))
    assert mount.add(Archive(keep(folder, {**one, "ansible_collections/b.py": "2", "README": "2", "rustle_agent/x.py": "2"})))
    assert not mount.add(Archive(keep(folder, {**one, "ansible_collections/a.py": "2"})))
    assert not mount.add(Archive(keep(folder, {"ansible_collections/a/__init__.py": ""}))), "a package is not the module of its name"
    assert len(mount.archives) == 2


# --- compiled code ---


def test_compiled_code_is_kept_and_belongs_to_its_place(folder, tmp_path):
    path = keep(folder, FILES)
    archive = Archive(path)
    code = archive.code("lab_top.py")
    archive.save()
    assert codefile.read(path)["code"].keys() == {"lab_top.py"}
    assert Archive(path).code("lab_top.py").co_filename == code.co_filename == path + "/lab_top.py"
    moved = tmp_path / "moved"
    os.rename(folder, moved)
    assert codefile.read(str(moved / os.path.basename(path))) is None


def test_an_archive_outside_a_cache_leaves_no_code_file(tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "tool.pyz").write_bytes(packed(FILES))
    archive = Archive(str(tmp_path / "tool.pyz"))
    archive.code("lab_top.py")
    archive.save()
    assert os.listdir(tmp_path) == ["tool.pyz"]


def test_a_file_that_is_no_archive_is_refused(folder):
    (folder / "x.pyz").write_bytes(b"no zip")
    with pytest.raises(ValueError):
        Archive(str(folder / "x.pyz"))


# --- the cache ---


@pytest.fixture
def cache(folder):
    return Cache(keep(folder, {"own.py": ""}))


def test_a_payload_is_kept_under_its_name_and_found_again(cache, folder):
    data = packed(FILES)
    sha = hashlib.sha256(data).hexdigest()
    assert cache.lookup(sha) is None
    path = cache.store(sha, data)
    assert cache.lookup(sha) == path == str(folder / f"{sha}.pyz")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert not list(folder.glob("*.tmp"))


def test_a_payload_that_is_not_what_its_name_says_is_not_kept(cache, folder):
    before = sorted(os.listdir(folder))
    with pytest.raises(ValueError):
        cache.store("0" * 64, b"x")
    assert sorted(os.listdir(folder)) == before


def test_a_payload_that_changed_on_disk_is_not_found(cache, folder):
    data = packed(FILES)
    sha = hashlib.sha256(data).hexdigest()
    with open(cache.store(sha, data), "ab") as file:
        file.write(b"x")
    assert cache.lookup(sha) is None
    cache.store(sha, data)
    assert cache.lookup(sha)


def test_where_there_is_no_cache_payloads_live_as_long_as_the_agent(folder):
    folder.chmod(0o777)
    cache = Cache(keep(folder, {"own.py": ""}))
    data = packed(FILES)
    sha = hashlib.sha256(data).hexdigest()
    assert cache.lookup(sha) is None
    path = cache.store(sha, data)
    assert not path.startswith(str(folder))
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    assert cache.lookup(sha) == path
    cache.close()
    assert not os.path.exists(os.path.dirname(path))


def test_a_cache_that_cannot_be_written_is_replaced(cache, folder, monkeypatch):
    real = os.open

    def refuse(path, *args):
        if str(path).startswith(str(folder)):
            raise PermissionError(13, "refused", path)
        return real(path, *args)

    monkeypatch.setattr(os, "open", refuse)
    data = packed(FILES)
    path = cache.store(hashlib.sha256(data).hexdigest(), data)
    assert not path.startswith(str(folder))
    cache.close()


def aged(folder, name, size, age):
    path = folder / name
    path.write_bytes(bytes(size))
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    return path


def test_the_least_recently_used_goes_first_with_its_code(cache, folder):
    own = os.stat(next(folder.glob("*.pyz"))).st_size
    old, new = "a" * 64, "b" * 64
    for sha, age in ((old, 500), (new, 100)):
        aged(folder, f"{sha}.pyz", 1000, age)
        aged(folder, f"{sha}.cpython-311.code", 1000, age)
    cache.prune(own + 2000)
    assert not list(folder.glob(f"{old}*"))
    assert len(list(folder.glob(f"{new}*"))) == 2


def test_a_payload_whose_code_was_used_is_used(cache, folder):
    old, new = "a" * 64, "b" * 64
    aged(folder, f"{old}.pyz", 1000, 500)
    aged(folder, f"{old}.cpython-311.code", 1000, 1)
    aged(folder, f"{new}.pyz", 1000, 100)
    cache.prune(2500)
    assert not list(folder.glob(f"{new}*"))
    assert len(list(folder.glob(f"{old}*"))) == 2


def test_names_that_are_not_ours_are_not_touched(cache, folder):
    strange = [aged(folder, name, 10_000, 9_999) for name in ("notes.txt", "a.pyz", "A" * 64 + ".pyz", "a" * 64 + ".zip", "a" * 63 + ".pyz")]
    (folder / ("c" * 64)).mkdir()
    cache.prune(0)
    assert all(path.exists() for path in strange)


def test_what_another_agent_uses_is_not_removed(cache, folder):
    path = keep(folder, FILES)
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl, sys; f = open({path!r}); fcntl.flock(f, fcntl.LOCK_SH); print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    cache.prune(0)
    assert os.path.exists(path)
    holder.communicate()
    cache.prune(0)
    assert not os.path.exists(path)
