"""Which subtitles belong to which recording."""

import pytest

from mcp_mmretrieval.adding import sidecars


@pytest.mark.parametrize(
    "name",
    [
        *(
            "film.srt",
            "film.en.srt",
            "film.pt-BR.srt",
            "film.zh-Hans.vtt",
            "film.xx.srt",
            "Film.EN.srt",
            "film.en_US.srt",
        ),
        *("film.forced.srt", "film.en.forced.srt", "film.forced.en.srt", "film.default.en.ass", "film.en.default.srt"),
        *("film.en.hi.srt", "film.eng.sdh.srt", "film.cc.srt", "film.English.srt", "film.German.forced.ssa"),
        *("film.SDH.English.srt", "film_english.srt", "film - English (forced).srt", "film [eng].srt", "film.2.en.srt"),
        *("film.mp4.srt", "film.mp4.en.srt", "film.lrc", "film.Español.srt", "film.日本語.srt", "film.whisper.vtt"),
        *(
            "Subs/film.srt",
            "subs/2_English.srt",
            "Subtitles/English.srt",
            "Subs/film.en.forced.srt",
            "Subs/3_ger_forced.srt",
        ),
        *("Subs/film/2_English.srt", "Subs/film/anything at all.srt", "Subs/English/film.srt"),
    ],
)
def test_subtitles_are_known_by_their_name(name: str) -> None:
    assert sidecars.owned(["film.mp4", name]) == {"film.mp4": (name,)}


@pytest.mark.parametrize(
    "name",
    [
        *("film2.srt", "filmed.srt", "film.part two.srt", "film.lyrics of a song.srt", "other.srt", "film.txt"),
        *("film - the making of.srt", "Subs/other/2_English.srt", "Subs/the making of.srt"),
    ],
)
def test_what_is_called_otherwise_stands_by_itself(name: str) -> None:
    assert sidecars.owned(["film.mp4", name]) == {}


def test_subtitles_go_with_the_recording_whose_name_they_share_most_of() -> None:
    files = ["talk.mp4", "talk.en.mp4", "talk.en.srt", "talk.de.srt", "talk.mp3", "talk.mp3.srt"]
    assert sidecars.owned(files) == {
        "talk.en.mp4": ("talk.en.srt",),
        "talk.mp3": ("talk.de.srt", "talk.mp3.srt"),
        "talk.mp4": ("talk.de.srt",),
    }


def test_a_language_alone_in_a_folder_of_subtitles_belongs_to_the_only_film() -> None:
    files = ["one.mkv", "theme.mp3", "Subs/English.srt"]
    assert sidecars.owned(files) == {"one.mkv": ("Subs/English.srt",)}
    assert sidecars.owned([*files, "two.mkv"]) == {}


def test_a_folder_of_subtitles_belongs_to_the_folder_around_it() -> None:
    assert sidecars.folder_of_recordings("/a/film/Subs") == "/a/film"
    assert sidecars.folder_of_recordings("/a/film/subtitles/film") == "/a/film"
    assert sidecars.folder_of_recordings("/a/film") == ""


@pytest.mark.timeout(20)
def test_a_folder_of_many_songs_with_their_words_takes_no_time() -> None:
    songs = [f"{number:05} - A song.mp3" for number in range(5_000)]
    words = [song.replace(".mp3", ".lrc") for song in songs]
    assert sidecars.owned([*songs, *words]) == {song: (lyrics,) for song, lyrics in zip(songs, words, strict=True)}
