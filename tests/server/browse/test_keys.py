from mcp_mmretrieval.server.browse.keys import Keys


def test_a_token_opens_one_tab_and_the_next_one_another() -> None:
    keys = Keys()
    first = keys.token
    key = keys.exchange(first)
    assert key and keys.know(key)
    assert keys.exchange(first) is None
    assert keys.token != first
    other = keys.exchange(keys.token)
    assert other and other != key
    assert keys.know(key) and keys.know(other)


def test_neither_a_token_nor_a_guess_nor_nothing_is_a_key() -> None:
    keys = Keys()
    key = keys.exchange(keys.token)
    assert key
    for wrong in ("", keys.token, key[:-1], key + "A", "ключ", "\udcff"):
        assert not keys.know(wrong)
        assert wrong == keys.token or keys.exchange(wrong) is None
    assert len(keys.token) >= 43  # 256 bits
