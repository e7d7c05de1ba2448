"""The witness at the command line: two members, one of which serves as the other one's outside witness."""

from __future__ import annotations

from pathlib import Path

from entente.core import note
from entente.ledger import cosigner
from interfaces.cli.members import Cli
from ports import free_port
from witness.asking_logs import Log


def test_operator_names_logs_and_witnesses_by_command(tmp_path: Path) -> None:
    tower = Cli(tmp_path / "tower", "Watch tower", f"http://localhost:{free_port()}").init()
    port = Cli(tmp_path / "port", "Harbour", f"http://localhost:{free_port()}").init()
    own, log = tower("witness", "key"), Log()
    assert own["url"] == f"{tower.url}/witness"
    assert note.Verifier.parse(own["vkey"]).kind == note.COSIGNATURE
    assert tower("witness", "log", log.vkey)["origin"] == log.origin
    assert [one["size"] for one in tower("witness", "logs")["logs"]] == [0]
    assert tower("witness", "log", log.vkey, "--remove")["keys"] == []
    assert tower("witness", "log", own["vkey"], code=1)["error"]["code"] == "invalid"

    chosen = port("witness", "use", own["url"], own["vkey"])
    assert (chosen["url"], chosen["vkey"], chosen["logs"]) == (own["url"], own["vkey"], [])
    rail = Cli(tmp_path / "rail", "Rail", f"http://localhost:{free_port()}").init()
    with rail.up():
        code = rail("partner", "invite")["code"]
        port("partner", "join", rail.url, "--code", code)
        port("partner", "confirm", rail.member, "--words", rail.words)
        rail("partner", "confirm", port.member, "--words", port.words)
        port("sync")
        made = port("agreement", "propose", "--with", rail.member, "--name", "Ports")
        port("agreement", "sign", made["agreement"])
        asked = port("sync")["witnesses"]
    assert [bool(one["problem"]) for one in asked] == [True]
    (seen,) = port("witness", "list")[0]["logs"]
    assert (seen["cosigned"], bool(seen["problem"])) == (0, True)
    tower("witness", "log", seen["vkey"])
    with tower.up():
        assert [one["problem"] for one in port("sync", code=1)["witnesses"]] == [""]
    (seen,) = port("witness", "list")[0]["logs"]
    assert seen["cosigned"] == seen["signed"] > 0
    port("witness", "head", "Ports", "--out", str(tmp_path / "head.note"))
    head = Path(tmp_path / "head.note").read_bytes()
    verifiers = [note.Verifier.parse(seen["vkey"]), note.Verifier.parse(own["vkey"])]
    assert len(note.verify(note.Note.parse(head), verifiers)) == 2
    assert len(head) < cosigner.MAX_BODY
    assert "cosigned" in port.raw("witness", "list").out.decode()
    assert seen["origin"] in tower.raw("witness", "logs").out.decode()
    port("witness", "drop", own["vkey"])
    assert port("witness", "list") == []
