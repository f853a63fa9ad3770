"""What a job was asked, as the next process reads it."""

from mcp_mmretrieval.jobs import AddRequest


def test_what_was_asked_comes_back_as_it_was() -> None:
    asked = AddRequest(roots=("/r", "/s\udce9"), paths=("a", "b"), text=None, title=None, dry_run=True)
    assert asked.stored().isascii()
    assert AddRequest.read(asked.stored()) == asked
    assert asked.key == AddRequest(roots=("/r", "/s\udce9"), paths=("a", "b"), dry_run=True).key
    assert len({asked.key, AddRequest(roots=("/r",)).key, AddRequest(roots=("/r",), text="a").key}) == 3


def test_what_nobody_asked_is_another_job_and_is_kept_in_the_form_of_before() -> None:
    asked, watched = AddRequest(roots=("/r",), paths=("a",)), AddRequest(roots=("/r",), paths=("a",), watched=True)
    assert asked.key != watched.key
    assert asked.stored() == watched.stored()
