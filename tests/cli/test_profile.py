from pathlib import Path

from tests.support.command import answered, run


def test_a_profile_is_shown_and_chosen_by_the_engine_that_runs(tmp_path: Path) -> None:
    library = tmp_path / "library"
    told = answered(run("profile", "--library", library, "--json"))
    assert (told["kept"], told["kept_because"], told["wanted"]) == ("builtin", "the default", "builtin")
    unknown = run("profile", "crystal-ball", "--library", library)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no such profile" in unknown.stderr
    told = answered(run("profile", str(tmp_path / "model"), "--library", library, "--json"))
    assert (told["kept"], told["wanted"]) == (str(tmp_path / "model"),) * 2
    shown = run("profile", "--library", library, "--profile", "builtin")
    assert run("stop", "--library", library).returncode == 0
    assert str(tmp_path / "model") in shown.stdout.replace("\n", "")
