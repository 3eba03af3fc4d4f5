"""Folders of data, configuration, cache and weights."""

from pathlib import Path

import pytest

from microexpr.core.config import cache_folder, config_file, data_folder, weights_folder
from microexpr.core.errors import MissingDataError, UsageError


def test_folders_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXPR_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path / "cache"))
    assert config_file() == tmp_path / "config" / "paths.toml"
    assert cache_folder() == tmp_path / "cache" and weights_folder() == tmp_path / "cache" / "weights"
    monkeypatch.setenv("MICROEXPR_WEIGHTS", str(tmp_path / "weights"))
    assert weights_folder() == tmp_path / "weights"


def test_folders_default_to_those_of_the_user(monkeypatch):
    monkeypatch.delenv("MICROEXPR_CONFIG")
    monkeypatch.delenv("MICROEXPR_CACHE")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere/config")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert config_file() == Path("/somewhere/config/microexpr/paths.toml")
    assert cache_folder() == Path("/somewhere/cache/microexpr")


def test_a_data_set_is_searched_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXPR_CONFIG", str(tmp_path))
    for name in ("given", "data/casme2", "listed"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "paths.toml").write_text(f'casme2 = "{tmp_path}/listed"\n')
    assert data_folder("casme2") == tmp_path / "listed"
    monkeypatch.setenv("MICROEXPR_DATA", str(tmp_path / "data"))
    assert data_folder("casme2") == tmp_path / "data" / "casme2"
    assert data_folder("casme2", {"casme2": tmp_path / "given"}) == tmp_path / "given"


def test_errors_name_the_folder_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXPR_CONFIG", str(tmp_path))
    with pytest.raises(
        MissingDataError,
        match=r"--root casme2=FOLDER; .*`microexpr synthesize casme2 FOLDER`",
    ):
        data_folder("casme2")
    with pytest.raises(MissingDataError, match="--root names 'nowhere', which is not a folder"):
        data_folder("casme2", {"casme2": Path("nowhere")})
    (tmp_path / "paths.toml").write_text("casme2 = ")
    with pytest.raises(UsageError, match="is not valid TOML"):
        data_folder("casme2")
