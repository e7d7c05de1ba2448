from base64 import b64decode, b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core import note
from entente.core.errors import InvalidError, VerificationError

SEEDS = st.binary(min_size=32, max_size=32)
ROOTS = SEEDS
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters="+"), min_size=1, max_size=30)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=200).map(lambda text: text + "\n")
TIMES = st.integers(0, 2**63 - 1)

# The example of golang.org/x/mod/sumdb/note, known to every implementation of C2SP signed-note.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
NOTE = (TEXT + "\n" + LINE).encode()
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]

LOG = note.Signer("entente/v1/log", note.ED25519, b"\x01" * 32)
WITNESS = note.Signer("entente/v1/witness/w", note.COSIGNATURE, b"\x02" * 32)
HEAD = note.Checkpoint(LOG.name, 7, b"\x03" * 32)


def stranger(number: int) -> str:
    return note.Signature(f"stranger/{number}", b"\0\0\0" + bytes([number]), b"of a kind to come").line()


def test_published_note_verifies_and_prints_as_it_was() -> None:
    verifier, parsed = note.Verifier.parse(VKEY), note.Note.parse(NOTE)
    (held,) = note.verify(parsed, [verifier])
    assert (parsed.text, held.line(), parsed.to_bytes()) == (TEXT, LINE, NOTE)
    assert (verifier.name, verifier.kind, verifier.key_id.hex(), verifier.vkey()) == (
        "PeterNeumann", note.ED25519, "c74f20a3", VKEY
    )  # fmt: skip


def test_published_key_signs_the_published_line() -> None:
    signer = note.Signer("PeterNeumann", note.ED25519, SEED)
    assert note.sign(TEXT, signer) == LINE.encode()
    assert signer.verifier.vkey() == VKEY
    assert SEED.hex() not in repr(signer)
    assert repr(SEED) not in repr(signer)


def test_published_checkpoint_and_cosignature_are_read() -> None:
    """The example of C2SP tlog-cosignature; its keys are not published, so the lines are read and kept."""
    data = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
        "+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
        "xUe+mbIUBkBIfZ+qnA==\n"
    ).encode()
    parsed = note.Note.parse(data)
    assert parsed.to_bytes() == data
    assert note.Checkpoint.parse(parsed.text).size == 20852163
    assert note.cosigned_at(parsed.signatures[1]) == 1679315147


@pytest.mark.parametrize("position", range(len(VKEY)))
def test_mangled_verifier_key_is_refused(position: int) -> None:
    for mangled in (VKEY[:position] + chr(ord(VKEY[position]) + 1) + VKEY[position + 1 :], VKEY[:position]):
        with pytest.raises((InvalidError, VerificationError)):
            note.Verifier.parse(mangled)


@pytest.mark.parametrize(
    "mangled",
    [
        VKEY.upper(),
        VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY + "\n",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
    ],
)
def test_verifier_key_of_another_spelling_or_kind_is_refused(mangled: str) -> None:
    with pytest.raises((InvalidError, VerificationError)):
        note.Verifier.parse(mangled)


def test_weak_key_makes_no_verifier() -> None:
    with pytest.raises(VerificationError):
        note.Verifier("log", note.ED25519, b"\x01" + bytes(31))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"\n\n",
        NOTE.replace(b"\n\n", b"\n"),
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace(b"If", b"\xff"),
        NOTE.replace(b"If", b"\xed\xa0\x80"),
        NOTE.replace(b"If", b"I\x00f"),
        NOTE.replace(b"If", b"I\tf"),
        b"\xef\xbb\xbf" + NOTE.replace("—".encode(), b"-"),
        NOTE.replace("— ".encode(), "—".encode()),
        NOTE.replace(b"PeterNeumann ", b""),
        NOTE.replace(b"PeterNeumann", b"Peter Neumann"),
        NOTE.replace(b"PeterNeumann", "Peter\u2009Neumann".encode()),
        NOTE.replace(b"PeterNeumann", "Peter\u2028Neumann".encode()),
        NOTE.replace(b"PeterNeumann", b"Peter+Neumann"),
        NOTE.replace(b"PeterNeumann", b""),
        NOTE.replace(b"AM=", b"AN="),
        NOTE.replace(b"AM=", b"AM"),
        NOTE.replace(b"AM=", b"AM= "),
        NOTE.replace(b"AM=", b"AM=AM="),
        NOTE.replace(b"x08go/", b"x08go_"),
        (TEXT + "\n— PeterNeumann \n").encode(),
        (TEXT + "\n— PeterNeumann x08gow==\n").encode(),
        (TEXT + "\n" + LINE + "\n" + LINE).encode() + b"x",
        (TEXT + "\n" + LINE + "stray\n").encode(),
        ("x" * 65536 + "\n\n" + LINE).encode(),
    ],
)
def test_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidError):
        note.Note.parse(data)


def test_text_may_hold_empty_lines_and_even_a_whole_note() -> None:
    text = NOTE.decode() + "\n\nmore\n"
    data = f"{text}\n".encode() + note.sign(text, LOG)
    assert note.Note.parse(data).text == text
    note.verify(note.Note.parse(data), [LOG.verifier])
    with pytest.raises(VerificationError):
        note.verify(note.Note.parse(data), [note.Verifier.parse(VKEY)])


def test_unknown_keys_are_ignored_up_to_sixty_four_lines() -> None:
    data = NOTE + "".join(stranger(number) for number in range(63)).encode()
    (held,) = note.verify(note.Note.parse(data), [note.Verifier.parse(VKEY), LOG.verifier])
    assert held.name == "PeterNeumann"
    with pytest.raises(InvalidError, match="at most 64"):
        note.Note.parse(data + stranger(63).encode())


def test_unknown_key_that_shares_only_name_or_only_id_is_ignored() -> None:
    (true,) = note.Note.parse(NOTE).signatures
    same_name = note.Signature(true.name, b"\0\0\0\0", true.payload)
    same_id = note.Signature("PeterPan", true.key_id, b"\0" * 64)
    parsed = note.Note(TEXT, (same_name, same_id, true))
    assert note.verify(parsed, [note.Verifier.parse(VKEY)]) == [true]


def test_note_without_a_known_key_is_refused() -> None:
    for verifiers in ([], [LOG.verifier]):
        with pytest.raises(VerificationError, match="No known key"):
            note.verify(note.Note.parse(NOTE), verifiers)


def test_wrong_line_of_a_known_key_refuses_the_whole_note() -> None:
    (true,) = note.Note.parse(NOTE).signatures
    wrong = note.Signature(true.name, true.key_id, bytes(64))
    short = note.Signature(true.name, true.key_id, b"short")
    for bad in (wrong, short):
        for lines in ((true, bad), (bad, true)):
            with pytest.raises(VerificationError):
                note.verify(note.Note(TEXT, lines), [note.Verifier.parse(VKEY)])


def test_one_key_counts_once_however_often_it_signs() -> None:
    (true,) = note.Note.parse(NOTE).signatures
    assert note.verify(note.Note(TEXT, (true, true)), [note.Verifier.parse(VKEY)] * 2) == [true]


@settings(max_examples=60)
@given(text=TEXTS, name=NAMES, seed=SEEDS)
def test_what_is_signed_parses_verifies_and_prints_the_same(text: str, name: str, seed: bytes) -> None:
    signer = note.Signer(name, note.ED25519, seed)
    data = f"{text}\n".encode() + note.sign(text, signer)
    parsed = note.Note.parse(data)
    assert (parsed.text, parsed.to_bytes()) == (text, data)
    assert len(note.verify(parsed, [note.Verifier.parse(signer.verifier.vkey())])) == 1


@settings(max_examples=150)
@given(bit=st.integers(0, 8 * len(NOTE) - 1))
def test_flipped_bit_of_a_note_is_refused(bit: int) -> None:
    flipped = (int.from_bytes(NOTE, "big") ^ 1 << bit).to_bytes(len(NOTE), "big")
    with pytest.raises((InvalidError, VerificationError)):
        note.verify(note.Note.parse(flipped), [note.Verifier.parse(VKEY)])


@settings(max_examples=60)
@given(name=NAMES, size=st.integers(0, 2**63 - 1), root=ROOTS, seed=SEEDS)
def test_signed_checkpoint_opens_as_it_was(name: str, size: int, root: bytes, seed: bytes) -> None:
    signer = note.Signer(name, note.ED25519, seed)
    head = note.Checkpoint(name, size, root)
    assert note.Checkpoint.parse(head.body()) == head
    assert note.open_checkpoint(note.sign_checkpoint(head, signer), signer.verifier) == head


ROOT = b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"log\n7\n{ROOT}",
        f"log\n7\n{ROOT}\nextension\n",
        f"log\n7\n{ROOT}\n\n",
        f"\n7\n{ROOT}\n",
        f"two words\n7\n{ROOT}\n",
        f"log\n07\n{ROOT}\n",
        f"log\n+7\n{ROOT}\n",
        f"log\n-7\n{ROOT}\n",
        f"log\n7_0\n{ROOT}\n",
        f"log\n 7\n{ROOT}\n",
        f"log\n\u0667\n{ROOT}\n",
        f"log\n\n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"log\n{'9' * 5000}\n{ROOT}\n",
        f"log\n7\n{ROOT[:-4]}\n",
        f"log\n7\n{ROOT.rstrip('=')}\n",
        f"log\n7\n{ROOT[:-2]}N=\n",
        "log\n7\n\n",
    ],
)
def test_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        note.Checkpoint.parse(text)


def test_checkpoint_of_another_log_is_refused() -> None:
    other = note.Checkpoint("entente/v1/other", HEAD.size, HEAD.root)
    with pytest.raises(InvalidError):
        note.sign_checkpoint(other, LOG)
    data = f"{other.body()}\n".encode() + note.sign(other.body(), LOG)
    with pytest.raises(VerificationError, match="not of"):
        note.open_checkpoint(data, LOG.verifier)


def test_cosignatures_may_be_appended_to_a_checkpoint() -> None:
    data = note.sign_checkpoint(HEAD, LOG) + note.cosign(HEAD, WITNESS, 1_790_000_000).encode()
    assert note.open_checkpoint(data, LOG.verifier) == HEAD
    held = note.verify(note.Note.parse(data), [LOG.verifier, WITNESS.verifier])
    assert [each.name for each in held] == [LOG.name, WITNESS.name]
    assert note.cosigned_at(held[1]) == 1_790_000_000


@settings(max_examples=60)
@given(time_s=TIMES, seed=SEEDS, bit=st.integers(0, 8 * 72 - 1))
def test_cosignature_gives_its_time_and_a_flipped_bit_is_refused(time_s: int, seed: bytes, bit: int) -> None:
    signer = note.Signer("witness", note.COSIGNATURE, seed)
    line = note.cosign(HEAD, signer, time_s)
    assert note.verify_cosignature(HEAD, line, signer.verifier) == time_s
    assert note.verify_cosignature(HEAD, line.rstrip("\n"), signer.verifier) == time_s
    true = note.Signature.parse(line)
    flipped = (int.from_bytes(true.payload, "big") ^ 1 << bit).to_bytes(72, "big")
    with pytest.raises(VerificationError):
        note.verify_cosignature(HEAD, note.Signature(true.name, true.key_id, flipped).line(), signer.verifier)


def test_cosignature_of_another_head_key_or_kind_is_refused() -> None:
    line = note.cosign(HEAD, WITNESS, 5)
    as_log = note.Signer(WITNESS.name, note.ED25519, WITNESS.seed)
    other_name = note.Signer("else", note.COSIGNATURE, WITNESS.seed)
    for head, verifier in (
        (note.Checkpoint(HEAD.origin, 8, HEAD.root), WITNESS.verifier),
        (HEAD, as_log.verifier),
        (HEAD, other_name.verifier),
    ):
        with pytest.raises(VerificationError):
            note.verify_cosignature(head, line, verifier)


def test_keys_sign_only_what_their_kind_says() -> None:
    with pytest.raises(InvalidError):
        note.sign("text\n", WITNESS)
    with pytest.raises(InvalidError):
        note.cosign(HEAD, LOG, 5)
    with pytest.raises(VerificationError):
        note.open_checkpoint(note.sign_checkpoint(HEAD, LOG), WITNESS.verifier)
    with pytest.raises(InvalidError):
        note.Signer("log", 0x06, b"\x01" * 32)
    for time_s in (-1, 2**63):
        with pytest.raises(InvalidError):
            note.cosign(HEAD, WITNESS, time_s)


@pytest.mark.parametrize("text", ["", "no end", "tab\t\n", "half \ud800\n"])
def test_text_that_makes_no_note_is_not_signed(text: str) -> None:
    with pytest.raises(InvalidError):
        note.sign(text, LOG)


@settings(max_examples=100)
@given(data=st.binary(max_size=300))
def test_no_bytes_make_the_parser_fail_otherwise_than_invalid(data: bytes) -> None:
    for candidate in (data, NOTE[:40] + data, b"x\n\n" + data + b"\n"):
        try:
            parsed = note.Note.parse(candidate)
        except InvalidError:
            continue
        assert parsed.to_bytes() == candidate
