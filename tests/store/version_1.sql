-- Version 1 of the database as it was released, with a row of each kind. Never change this file.

CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1), nonce BLOB NOT NULL, seq INTEGER NOT NULL, indexed INTEGER NOT NULL,
        purge INTEGER NOT NULL
    ) STRICT;
CREATE TABLE log (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, member BLOB NOT NULL, circle BLOB NOT NULL,
        epoch INTEGER NOT NULL, size INTEGER NOT NULL, peaks BLOB NOT NULL, signed INTEGER NOT NULL,
        note BLOB NOT NULL, stopped TEXT NOT NULL
    ) STRICT;
CREATE TABLE leaf (
        log INTEGER NOT NULL REFERENCES log, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (log, n)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE tile (
        log INTEGER NOT NULL REFERENCES log, level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL,
        PRIMARY KEY (log, level, n)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE kind (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE author (id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE blob (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE payload (
        log INTEGER NOT NULL REFERENCES log, idx INTEGER NOT NULL, kind INTEGER NOT NULL REFERENCES kind,
        time INTEGER NOT NULL, salt BLOB NOT NULL, head INTEGER NOT NULL, blob INTEGER NOT NULL, item INTEGER,
        PRIMARY KEY (log, idx)
    ) STRICT, WITHOUT ROWID;
CREATE INDEX payload_item ON payload (log, item) WHERE item IS NOT NULL;
CREATE TABLE act (
        kind INTEGER NOT NULL, log INTEGER NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (kind, log, idx)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE awaited (
        log INTEGER NOT NULL REFERENCES log, idx INTEGER NOT NULL, PRIMARY KEY (log, idx)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE item (
        seq INTEGER PRIMARY KEY, blob INTEGER NOT NULL, key INTEGER, tail TEXT NOT NULL, lead TEXT, type TEXT NOT NULL,
        author INTEGER NOT NULL REFERENCES author, created INTEGER NOT NULL, modified INTEGER NOT NULL,
        created_by TEXT NOT NULL, revoked INTEGER NOT NULL, name TEXT NOT NULL, tlp INTEGER NOT NULL,
        time INTEGER NOT NULL, person TEXT NOT NULL, own INTEGER NOT NULL, state TEXT NOT NULL,
        latest INTEGER NOT NULL, top INTEGER NOT NULL
    ) STRICT;
CREATE INDEX item_key ON item (key) WHERE key IS NOT NULL;
CREATE INDEX item_tail ON item (tail) WHERE key IS NULL;
CREATE INDEX item_creator ON item (created_by) WHERE created_by <> '';
CREATE TABLE record (
        space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE word USING fts5 (text, content = '', tokenize = 'unicode61 remove_diacritics 2');
PRAGMA application_id = 1701737573;
PRAGMA user_version = 1;
INSERT INTO meta VALUES (1, CAST('first' AS BLOB), 1, 1, 0);
INSERT INTO log VALUES (1, 'o1', CAST('m1' AS BLOB), CAST('c1' AS BLOB), 1, 2, x'', 0, x'', '');
INSERT INTO leaf VALUES (1, 0, x'00046c6561660000');
INSERT INTO tile VALUES (1, 0, 0, CAST('1111111111111111111111111111111122222222222222222222222222222222' AS BLOB));
INSERT INTO kind VALUES (1, 'approval/1'), (2, 'item/1');
INSERT INTO author VALUES (1, CAST('m1' AS BLOB));
INSERT INTO head VALUES (1, x'686561640a');
INSERT INTO blob VALUES (1, CAST('act' AS BLOB)), (2, CAST('{"name":"words"}' AS BLOB));
INSERT INTO item VALUES (
    1, 2, -9223372036854759424, '00000000-0000-4000-8000-000000000001', NULL, 'tool', 1, 1, 1, '', 0, '', 2, 5, 'p1', 0,
    'held', 1, 1
);
INSERT INTO payload VALUES (1, 0, 1, 5, CAST('salt' AS BLOB), 0, 1, NULL);
INSERT INTO payload VALUES (1, 1, 2, 6, CAST('salt' AS BLOB), 1, 2, 1);
INSERT INTO act VALUES (1, 1, 0);
INSERT INTO awaited VALUES (1, 4);
INSERT INTO record VALUES ('partner', 'a', CAST('1' AS BLOB));
INSERT INTO word (rowid, text) VALUES (1, 'words');
