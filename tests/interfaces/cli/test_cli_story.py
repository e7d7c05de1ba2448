"""Two members use every command of the foundation, and each answer has its fields."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
from pathlib import Path
from typing import IO

import pytest

from commands import ENTENTE, verify
from interfaces.cli.members import Cli, Pair, make
from timing import CEILING, Stopwatch, until


def test_init_names_the_member_its_words_its_recovery_file_and_the_operator(unfounded: Cli) -> None:
    found = unfounded("init", "--name", "Harbour", "--url", unfounded.url)
    assert set(found) >= {"member", "name", "words", "recovery", "person"}
    assert len(found["words"]) == 6
    assert Path(found["recovery"]).is_file()


def test_init_refuses_an_existing_home(member: Cli) -> None:
    answer = member("init", "--name", "Harbour", "--url", member.url, "--recovery", f"{member.home}.other", code=1)
    assert answer["error"]["code"] == "conflict"
    assert answer["error"]["hint"]


def test_a_command_without_a_home_says_what_to_do(unfounded: Cli) -> None:
    answer = unfounded("item", "list", code=1)
    assert set(answer["error"]) == {"code", "message", "hint"}
    assert "init" in answer["error"]["hint"]


def test_up_prints_ready_and_a_second_one_is_refused(member: Cli) -> None:
    with member.up_process() as url:
        assert url == member.url
        second = member.raw("up")
        assert second.code == 1
        assert "serves this home already" in second.err
        assert b"ready" not in second.out
    with member.up_process("--port", "0") as url:
        assert url.startswith("http://localhost:")


def test_up_ends_with_zero_on_ctrl_c(member: Cli) -> None:
    command = [*ENTENTE, "--home", str(member.home), "up"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        with Stopwatch() as watch:
            process.send_signal(signal.SIGINT)
            assert process.wait(CEILING) == 0
        assert watch.seconds < 3
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def unread(pipe: IO[bytes] | None) -> int:
    """Return how many bytes of a pipe nobody has read yet."""
    assert pipe is not None
    (found,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(found)


def test_ctrl_c_ends_a_command_with_130_and_no_trace(member: Cli) -> None:
    command = [*ENTENTE, "--home", str(member.home), "item", "import", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"{")
        process.stdin.flush()
        until(lambda: unread(process.stdin) == 0, "the command reads what it imports")
        process.send_signal(signal.SIGINT)
        assert process.wait(CEILING) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b"\nstopped\n"


def test_a_taken_port_is_told(member: Cli, tmp_path: Path) -> None:
    other = make(tmp_path, "Other")
    other.url = member.url
    other.init()
    with member.up():
        answer = other.raw("up")
    assert answer.code == 1
    assert "Traceback" not in answer.err


def test_doctor_lists_checks_with_what_to_do(member: Cli) -> None:
    health = member("doctor")
    assert health["ok"] is True
    assert all(set(check) >= {"name", "ok", "text", "fix"} for check in health["checks"])


def test_pairing_by_card_and_words_needs_both_sides(tmp_path: Path) -> None:
    harbour, northwind = make(tmp_path, "Harbour").init(), make(tmp_path, "Northwind").init()
    for side, other in ((harbour, northwind), (northwind, harbour)):
        card = tmp_path / f"{side.name}.card"
        assert side("partner", "card", "--out", str(card))["words"] == side.words.split()
        met = other("partner", "add", str(card))
        assert set(met) >= {"partner", "name", "words", "state"}
        assert met["words"] == side.words.split()
    assert harbour("partner", "confirm", "Northwind", "--words", northwind.words)["state"] == "waiting"
    with harbour.up():
        assert northwind("partner", "confirm", "Harbour", "--words", harbour.words)["state"] == "paired"


def test_wrong_words_end_the_pairing_with_exit_5(tmp_path: Path) -> None:
    harbour, northwind = make(tmp_path, "Harbour").init(), make(tmp_path, "Northwind").init()
    card = tmp_path / "card"
    northwind("partner", "card", "--out", str(card))
    harbour("partner", "add", str(card))
    answer = harbour("partner", "confirm", "Northwind", "--words", harbour.words, code=5)
    assert answer["error"]["code"] == "words"
    assert harbour("partner", "confirm", "Northwind", "--words", northwind.words, code=1)["error"]["hint"]


def test_a_wrong_code_is_refused_and_the_right_one_is_used_up(tmp_path: Path) -> None:
    harbour, northwind = make(tmp_path, "Harbour").init(), make(tmp_path, "Northwind").init()
    with harbour.up():
        invitation = harbour("partner", "invite")
        assert set(invitation) >= {"url", "code", "expires"}
        wrong = invitation["code"][:4] + "abacus-abacus"
        assert northwind("partner", "join", invitation["url"], "--code", wrong, code=5)["error"]["message"]
        northwind("partner", "join", invitation["url"], "--code", invitation["code"], code=1)


def test_partners_agreements_and_circles_are_listed(pair: Pair) -> None:
    partner = pair.harbour("partner", "list")[0]
    assert set(partner) >= {"id", "name", "url", "state", "words"}
    assert partner["state"] == "paired"
    agreement = pair.northwind("agreement", "list")[0]
    assert set(agreement) >= {"id", "name", "state", "members", "circles"}
    assert set(agreement["circles"][0]) >= {"id", "name", "members", "ceiling"}
    assert agreement["state"] == "in-force"
    assert pair.northwind("agreement", "show", pair.agreement[:10])["terms"]["onward"] == "refused"
    circle = pair.harbour("circle", "list")[0]
    assert set(circle) >= {"id", "name", "agreement", "members", "ceiling", "state", "epoch"}


def test_a_circle_is_opened_and_signed_by_its_members(pair: Pair) -> None:
    opened = pair.harbour(
        "circle",
        "open",
        "--agreement",
        "Early warning",
        "--with",
        "Northwind",
        "--name",
        "Inner",
        "--ceiling",
        "tlp:green",
    )
    assert set(opened) >= {"circle", "state"}
    assert pair.harbour("agreement", "sign", opened["circle"])["state"] == "waiting"
    pair.harbour("sync")
    assert pair.northwind("agreement", "sign", "Inner")["state"] == "in-force"
    pair.northwind("sync")
    found = {circle["id"]: circle for circle in pair.harbour("circle", "list")}[opened["circle"]]
    assert (found["state"], found["ceiling"]) == ("in-force", "TLP:GREEN")


def test_an_import_counts_shares_and_reaches_the_partner_byte_for_byte(pair: Pair) -> None:
    path, id_ = pair.indicator()
    done = pair.harbour("item", "import", str(path), "--circle", pair.circle)
    fields = {"read", "stored", "new", "changed", "revoked", "unchanged", "rejected", "shared", "refused"}
    assert set(done) >= fields
    assert (done["read"], done["new"], done["shared"], done["refused"]) == (1, 1, 1, {})
    pair.harbour("sync")
    item = pair.northwind("item", "show", id_)
    assert set(item) >= {"object", "entries", "marking", "author", "state", "receipts"}
    assert item["object"] == json.loads(path.read_text())["objects"][0]
    assert item["author"] == pair.harbour.member
    assert (item["state"], item["marking"]) == ("held", "TLP:GREEN")
    assert set(item["entries"][0]) >= {"circle", "origin", "index"}
    assert pair.harbour("item", "import", str(path))["unchanged"] == 1


def test_without_a_circle_items_stay_local_without_an_entry(pair: Pair) -> None:
    path, id_ = pair.indicator()
    assert pair.harbour("item", "import", str(path))["shared"] == 0
    assert pair.harbour("item", "show", id_)["entries"] == []
    assert pair.harbour("sync")["partners"][0]["error"] == ""
    assert pair.northwind("item", "show", id_, code=1)["error"]["code"] == "not-found"


def test_what_the_policy_refuses_stays_home_and_the_exit_code_says_so(pair: Pair) -> None:
    red, red_id = pair.indicator("red")
    green, _ = pair.indicator()
    done = pair.harbour("item", "import", str(red), str(green), "--circle", pair.circle, code=3)
    assert (done["stored"], done["shared"], done["refused"]["red"]) == (2, 1, 1)
    answer = pair.harbour("share", "send", red_id, "--circle", pair.circle, code=3)
    assert answer["allowed"] is False
    reasons = answer["decisions"][0]["reasons"]
    assert {"rule", "text"} <= set(reasons[0])
    assert "red" in {reason["rule"] for reason in reasons if not reason["allowed"]}


def test_rejected_rows_are_listed_and_strict_stores_nothing(pair: Pair) -> None:
    path, _ = pair.indicator()
    bundle = json.loads(path.read_text())
    bundle["objects"].append({"type": "indicator", "id": "nonsense"})
    path.write_text(json.dumps(bundle))
    done = pair.harbour("item", "import", str(path), "--strict", code=1)
    assert done["stored"] == 0
    assert set(done["rejected"][0]) >= {"file", "position", "id", "reason"}
    done = pair.harbour("item", "import", str(path))
    assert (done["stored"], done["rejected"][0]["position"]) == (1, 2)


def test_items_come_from_standard_input_and_from_names_that_are_not_utf_8(pair: Pair) -> None:
    path, _ = pair.indicator()
    assert pair.harbour("item", "import", "-", stdin=path.read_bytes())["stored"] == 1
    odd = os.fsdecode(os.fsencode(pair.folder) + b"/caf\xe9.json")
    path, _ = pair.indicator()
    path.rename(odd)
    assert pair.harbour("item", "import", odd)["stored"] == 1


def test_lists_have_pages_and_searches_find(pair: Pair) -> None:
    for _ in range(3):
        path, id_ = pair.indicator()
        pair.northwind("item", "import", str(path))
    page = pair.northwind("item", "list", "--type", "indicator", "--limit", "2")
    assert len(page["items"]) == 2
    assert set(page["items"][0]) >= {"id", "type", "name", "modified", "marking", "author", "circles"}
    after = pair.northwind("item", "list", "--type", "indicator", "--limit", "2", "--cursor", page["next"])
    assert not {one["id"] for one in page["items"]} & {one["id"] for one in after["items"]}
    assert pair.northwind("item", "list", "--limit", "5000")["next"] == ""
    name = pair.northwind("item", "show", id_)["object"]["name"]
    found = pair.northwind("item", "search", name, "--type", "indicator", "--limit", "5")
    assert id_ in {one["id"] for one in found["items"]}


def test_an_export_is_a_bundle_of_the_objects_as_they_came(pair: Pair) -> None:
    path, id_ = pair.indicator()
    loose, loose_id = pair.indicator(lang=7)
    pair.harbour("item", "import", str(path), str(loose))
    out = pair.folder / "out.json"
    pair.harbour("item", "export", "--id", id_, "--id", loose_id, "--out", str(out))
    bundle = json.loads(out.read_text())
    assert bundle["type"] == "bundle"
    assert json.loads(path.read_text())["objects"][0] in bundle["objects"]
    done = pair.harbour.raw("--json", "item", "export", "--id", id_, "--id", loose_id, "--strict")
    assert done.code == 0
    assert [one["id"] for one in json.loads(done.out)["objects"]] == [id_]
    assert loose_id in done.err


def test_a_preview_says_who_will_get_it_and_why_says_who_got_it(pair: Pair) -> None:
    path, id_ = pair.indicator()
    pair.harbour("item", "import", str(path))
    preview = pair.harbour("share", "preview", id_, "--circle", pair.circle[:10])
    assert preview["allowed"] is True
    decision = preview["decisions"][0]
    assert set(decision) >= {"item", "allowed", "members", "reasons"}
    assert decision["members"] == [pair.northwind.member]
    assert pair.harbour("share", "why", id_) == []
    assert pair.harbour("share", "send", id_, "--circle", pair.circle)["shared"] == 1
    release = pair.harbour("share", "why", id_)[0]
    assert set(release) >= {"circle", "members", "clause", "person", "time"}
    assert release["members"] == [pair.northwind.member]


def test_receipts_climb_to_used(pair: Pair) -> None:
    path, id_ = pair.indicator()
    pair.harbour("item", "import", str(path), "--circle", pair.circle)
    synced = pair.harbour("sync", "--partner", "Northwind")["partners"][0]
    assert set(synced) >= {"id", "sent", "received", "error"}
    assert set(synced["sent"]) >= {"entries", "bytes"}
    pair.northwind("item", "acknowledge", id_, "--stage", "used")
    pair.northwind("sync")
    receipts = pair.harbour("ledger", "receipts", id_)
    assert set(receipts[0]) >= {"member", "stage", "time"}
    assert (receipts[0]["member"], receipts[0]["stage"]) == (pair.northwind.member, "used")


def test_the_ledger_verifies_and_a_proof_verifies_on_its_own(pair: Pair) -> None:
    path, id_ = pair.indicator()
    pair.harbour("item", "import", str(path), "--circle", pair.circle)
    report = pair.harbour("ledger", "verify")
    assert report["ok"] is True
    assert set(report["logs"][0]) >= {"origin", "size", "root", "witnessed_by", "problems"}
    proof = pair.folder / "proof"
    pair.harbour("ledger", "proof", id_, "--out", str(proof))
    done = verify(proof)
    assert (done.code, done.out.count(b"\n")) == (0, 1)
    spoiled = bytearray(proof.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    proof.write_bytes(spoiled)
    assert verify(proof).code == 5


def test_a_redacted_copy_is_a_new_item(pair: Pair) -> None:
    path, id_ = pair.indicator()
    pair.harbour("item", "import", str(path))
    new = pair.harbour("share", "redact", id_, "--drop", "description")["item"]
    assert new != id_
    assert "description" not in pair.harbour("item", "show", new)["object"]


def test_people_act_under_their_own_id_and_the_profile_changes(pair: Pair) -> None:
    person = pair.harbour("person", "add", "Ada", "--role", "releaser")
    assert set(person) >= {"person", "name", "roles"}
    assert person["person"] in {one["person"] for one in pair.harbour("person", "list")}
    path, id_ = pair.indicator()
    pair.harbour("item", "import", str(path), "--circle", pair.circle, person="Ada")
    assert pair.harbour("share", "why", id_)[0]["person"] == person["person"]
    assert pair.harbour("item", "list", person="Nobody") is not None
    path, _ = pair.indicator()
    assert pair.harbour("item", "import", str(path), person="Nobody", code=1)["error"]["code"] == "not-found"
    assert pair.harbour("profile", "set", "--brings", "malware")["brings"] == ["malware"]
    assert pair.harbour("profile", "show")["brings"] == ["malware"]
    assert pair.harbour("profile", "set", "--brings", "")["brings"] == []


def test_templates_and_terms_from_a_file_become_an_agreement(pair: Pair) -> None:
    names = [one["name"] for one in pair.harbour("agreement", "templates")]
    terms = pair.folder / "terms.json"
    terms.write_text('{"retention_days": 90}')
    proposed = pair.harbour(
        "agreement", "propose", "--with", "Northwind", "--name", "Ninety", "--template", names[1], "--file", str(terms)
    )
    assert set(proposed) >= {"agreement", "circle", "state"}
    shown = pair.harbour.raw("agreement", "show", "Ninety")
    assert b"90 days" in shown.out
    assert pair.harbour("agreement", "sign", "Ninety", "--refuse")["state"] == "refused"
    terms.write_text("[]")
    pair.harbour("agreement", "propose", "--with", "Northwind", "--file", str(terms), code=1)


def test_a_home_that_fits_needs_no_confirmation(pair: Pair) -> None:
    assert pair.harbour("ledger", "confirm") == {"confirmed": []}


@pytest.mark.parametrize(
    "words",
    [("partner", "list"), ("agreement", "list"), ("circle", "list"), ("item", "list"), ("person", "list"),
     ("profile", "show"), ("ledger", "verify"), ("sync",), ("doctor",), ("agreement", "templates"),
     ("item", "search", "quay"), ("partner", "invite")],
)  # fmt: skip
def test_every_answer_is_also_told_in_words_without_colours_in_a_pipe(pair: Pair, words: tuple[str, ...]) -> None:
    done = pair.harbour.raw(*words)
    assert done.code == 0
    assert done.out.strip()
    assert b"\x1b" not in done.out


def test_a_refusal_is_told_with_rule_person_and_remedy(pair: Pair) -> None:
    path, id_ = pair.indicator("red")
    pair.harbour("item", "import", str(path))
    done = pair.harbour.raw("share", "send", id_, "--circle", pair.circle)
    assert done.code == 3
    for words in (b"Nothing was sent", b"refused by", b"who can change it", b"what to do"):
        assert words in done.out


def test_a_reader_that_goes_away_ends_a_command_quietly(pair: Pair) -> None:
    command = " ".join([*ENTENTE, "--home", str(pair.harbour.home), "item", "export", "|", "head", "-c", "1"])
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{", "")
