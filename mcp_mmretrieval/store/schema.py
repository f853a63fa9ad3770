"""The catalog's tables. A change to them raises `SCHEMA_VERSION` and adds the step that leads there to `MIGRATIONS`."""

APPLICATION_ID = 0x6D6D7274
"""Marks an SQLite file as ours ("mmrt")."""

SCHEMA_VERSION = 4

# Marks (M*) belong to words: without them Hindi, Hebrew and Arabic fall apart into single letters.
_WORDS = "porter unicode61 remove_diacritics 2 categories 'L* N* M* Co'"

WHOLE_TEXT_SQL = """(
    SELECT group_concat(text, char(10)) FROM (
        SELECT t.text FROM segments s JOIN texts t ON t.segment = s.key WHERE s.document = {key} ORDER BY s.ordinal
    )
)"""
"""All text of one document, always the same: what a contentless table forgets has to be said word for word."""

TABLES_SQL = f"""
CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE
);
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    dim INTEGER NOT NULL,
    half INTEGER NOT NULL,
    active INTEGER NOT NULL,
    made_by TEXT NOT NULL DEFAULT '',
    retired INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE documents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    modality TEXT NOT NULL,
    reading INTEGER NOT NULL REFERENCES readings(id),
    title TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    pages INTEGER,
    seconds REAL,
    notes TEXT NOT NULL,
    inline INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    read_at REAL NOT NULL,
    dated REAL,
    keywords TEXT NOT NULL DEFAULT ''
);
CREATE INDEX documents_inline ON documents(key) WHERE inline;
CREATE TABLE inline_texts (
    document INTEGER PRIMARY KEY REFERENCES documents(key) ON DELETE CASCADE,
    text BLOB NOT NULL
);

-- Paths are bytes: file names need not be UTF-8, and a folder is a range of them.
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    added_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_of_document ON files(document, path, mtime_ns);
CREATE INDEX files_by_time ON files(mtime_ns, document);

-- Narrow, so that a check of many hits stays in the page cache; what can be read stands in `texts`.
CREATE TABLE segments (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    modality TEXT NOT NULL,
    page INTEGER,
    start REAL,
    "end" REAL,
    first INTEGER,
    last INTEGER
);
CREATE UNIQUE INDEX segments_of_document ON segments(document, ordinal);
CREATE INDEX segments_by_modality ON segments(modality, document);
CREATE TABLE texts (
    segment INTEGER PRIMARY KEY REFERENCES segments(key) ON DELETE CASCADE,
    heading TEXT NOT NULL,
    text TEXT NOT NULL,
    frames TEXT,
    label TEXT NOT NULL DEFAULT '',
    times TEXT,
    turn INTEGER NOT NULL DEFAULT 0
);

CREATE VIRTUAL TABLE words USING fts5(
    heading, text, content='texts', content_rowid='segment', tokenize="{_WORDS}"
);
CREATE TRIGGER words_added AFTER INSERT ON texts BEGIN
    INSERT INTO words(rowid, heading, text) VALUES (new.segment, new.heading, new.text);
END;
CREATE TRIGGER words_removed AFTER DELETE ON texts BEGIN
    INSERT INTO words(words, rowid, heading, text) VALUES ('delete', old.segment, old.heading, old.text);
END;

-- One row a document with all its words: a question names the company, the page that answers does not.
CREATE VIRTUAL TABLE wholes USING fts5(text, content='', tokenize="{_WORDS}");
CREATE TRIGGER wholes_removed BEFORE DELETE ON documents BEGIN
    INSERT INTO wholes(wholes, rowid, text) VALUES ('delete', old.key, {WHOLE_TEXT_SQL.format(key="old.key")});
END;

-- Pairs of neighbouring characters of scripts without spaces, made by `fulltext.character_bigrams`. Trigrams would
-- not find the two-character words that most of Chinese is made of.
CREATE VIRTUAL TABLE pairs USING fts5(pair, tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");
CREATE TRIGGER pairs_removed AFTER DELETE ON texts BEGIN
    DELETE FROM pairs WHERE rowid = old.segment;
END;

CREATE TABLE embedded (
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
    PRIMARY KEY (document, space)
) WITHOUT ROWID;
CREATE INDEX embedded_in_space ON embedded(space);
-- Up to 64 vectors of one document in a row: comparing with many reads few rows. `places` holds for each vector its
-- segment and its part (two int64), which together name it in Chroma; a segment's vectors of one space never change.
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id),
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    places BLOB NOT NULL,
    vectors BLOB NOT NULL
);
CREATE INDEX vectors_of_document ON vectors(document, space, kind);
CREATE INDEX vectors_in_order ON vectors(space, kind, id, count);

-- What Chroma still has to forget, and up to which row of `vectors` it has followed.
CREATE TABLE garbage (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL,
    kind TEXT NOT NULL,
    places BLOB NOT NULL
);
CREATE TRIGGER vectors_removed AFTER DELETE ON vectors BEGIN
    INSERT INTO garbage(id, space, kind, places) VALUES (old.id, old.space, old.kind, old.places);
END;
CREATE TABLE followed (
    space INTEGER NOT NULL,
    kind TEXT NOT NULL,
    upto INTEGER NOT NULL,
    PRIMARY KEY (space, kind)
) WITHOUT ROWID;

CREATE TABLE staged (
    document TEXT NOT NULL,
    reading INTEGER NOT NULL REFERENCES readings(id),
    ordinal INTEGER NOT NULL,
    payload TEXT NOT NULL,
    staged_at REAL NOT NULL,
    PRIMARY KEY (document, reading, ordinal)
) WITHOUT ROWID;

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    asked TEXT NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    reading BLOB NOT NULL,
    started REAL NOT NULL,
    ended REAL
);
CREATE INDEX jobs_by_time ON jobs(started);
-- How often a document's embedding was begun: what is still here later ended the process.
CREATE TABLE attempts (
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
    count INTEGER NOT NULL,
    PRIMARY KEY (document, space)
) WITHOUT ROWID;
-- The profile that the library keeps to: one row at most.
CREATE TABLE chosen (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    profile TEXT NOT NULL,
    reason TEXT NOT NULL,
    chosen_at REAL NOT NULL
);
"""

MIGRATIONS: dict[int, str] = {
    3: """
ALTER TABLE documents ADD COLUMN dated REAL;
ALTER TABLE documents ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE texts ADD COLUMN times TEXT;
ALTER TABLE texts ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
"""
}
"""What brings a catalog from a version to the next one. Version 3 is the first that a release made."""
