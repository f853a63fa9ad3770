"""What a job was asked, as the next process reads it."""

from mcp_mmretrieval.jobs import AddRequest


def test_what_was_asked_comes_back_as_it_was() -> None:
    asked = AddRequest(roots=("/r", "/s\udce9"), paths=("a", "b"), text=None, title=None, dry_run=True)
    assert asked.stored().isascii()
    assert AddRequest.read(asked.stored()) == asked
    assert asked.key == AddRequest(roots=("/r", "/s\udce9"), paths=("a", "b"), dry_run=True).key
    assert len({asked.key, AddRequest(roots=("/r",)).key, AddRequest(roots=("/r",), text="a").key}) == 3
