"""Objects of every type that a strict check accepts."""

from __future__ import annotations

import json
from typing import Any

Object = dict[str, Any]

U = "0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"
V5 = "0c7b5b88-8ff7-5a4d-aa9d-feb398cd0061"
EXT = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TIME = "2026-03-01T10:00:00.000Z"
LATER = "2026-03-02T10:00:00.123456Z"


def sdo(kind: str, **more: Any) -> Object:
    """Make a domain object with all common properties that are required."""
    core = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{U}", "created": TIME, "modified": LATER}
    return core | more


def sco(kind: str, **more: Any) -> Object:
    """Make an observable."""
    version = U if kind == "process" else V5
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{version}"} | more


def to(kind: str) -> str:
    """Make a reference to an object of `kind`."""
    return f"{kind}--{U}"


PHASES = [{"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": "delivery"}]
PATTERNS = [
    "[ipv4-addr:value = '198.51.100.3']",
    "[file:hashes.'SHA-256' = 'ffe2a7d1e5a9c7e2a1d1d7a1f3f7f1f0a1b2c3d4e5f60718293a4b5c6d7e8f90' AND file:size > 5]",
    "([domain-name:value IN ('a.example', 'b.example')] FOLLOWEDBY [url:value LIKE '%x%']) WITHIN 300 SECONDS",
    "[process:command_line MATCHES '^.*\\\\bx$' OR (process:pid != 4 AND process:pid NOT = 5)] REPEATS 5 TIMES",
    "[network-traffic:dst_ref.value ISSUBSET '198.51.100.0/24'] START t'2026-01-01T00:00:00Z' "
    "STOP t'2026-01-02T00:00:00.5Z'",
    "[email-message:from_ref.value = 'a@b.example' AND email-message:to_refs[*].value = 'c@d.example'] "
    "AND [x-foo:bar_x=1]",
    "[file:extensions.'windows-pebinary-ext'.sections[0].entropy >= 7.5]",
    "[windows-registry-key:values[0].data = h'00ff' OR artifact:payload_bin = b'AAAA']",
    "[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4']",
    "[user-account:is_disabled = true]",
]

VALID: list[Object] = [
    sdo("attack-pattern", name="Spear phishing", aliases=["x"], kill_chain_phases=PHASES, description="d"),
    sdo("campaign", name="c", first_seen=TIME, last_seen=LATER, objective="o", aliases=["a"]),
    sdo("course-of-action", name="patch", description="d"),
    sdo("grouping", name="g", context="unspecified", object_refs=[to("indicator")]),
    sdo(
        "identity", name="CERT", identity_class="organization", sectors=["energy"], roles=["r"], contact_information="x"
    ),
    sdo("incident", name="i", description="d"),
    *(
        sdo("indicator", name="n", description="d", pattern=p, pattern_type="stix", valid_from=TIME, valid_until=LATER)
        for p in PATTERNS
    ),
    sdo(
        "indicator",
        name="n",
        description="d",
        pattern="rule x {condition: true}",
        pattern_type="yara",
        pattern_version="4.2",
        indicator_types=["malicious-activity", "compromised"],
        valid_from=TIME,
        kill_chain_phases=PHASES,
        confidence=80,
        lang="en",
        labels=["l"],
        revoked=False,
        created_by_ref=to("identity"),
        object_marking_refs=["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],
        granular_markings=[
            {
                "selectors": ["description", "labels.[0]", "kill_chain_phases.[0].phase_name"],
                "marking_ref": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
            }
        ],
        external_references=[
            {"source_name": "cve", "external_id": "CVE-2026-12345"},
            {
                "source_name": "blog",
                "description": "x",
                "url": "https://a.example/x?y=1#z",
                "hashes": {"MD5": "0" * 32},
            },
            {"source_name": "capec", "external_id": "CAPEC-1"},
            {"source_name": "mitre-attack", "external_id": "T1059"},
        ],
        extensions={EXT: {"extension_type": "property-extension", "likelihood": "probable", "range": {"low": 1}}},
    ),
    sdo("infrastructure", name="i", infrastructure_types=["botnet"], first_seen=TIME, aliases=["b"]),
    sdo("intrusion-set", name="i", goals=["g"], resource_level="team", primary_motivation="revenge"),
    sdo("location", name="l", country="EE", latitude=59.4, longitude=24.7, precision=10.5, city="Tallinn"),
    sdo("location", region="northern-europe"),
    sdo("malware", name="m", is_family=True, malware_types=["bot"], capabilities=["emails-spam"]),
    sdo("malware", is_family=False, operating_system_refs=[f"software--{V5}"], implementation_languages=["c++"]),
    sdo("malware-analysis", product="x-av", result="malicious", submitted=TIME, version="1", modules=["m"]),
    sdo("malware-analysis", product="x-av", analysis_sco_refs=[f"file--{V5}"], sample_ref=f"file--{V5}"),
    sdo("note", content="c", abstract="a", authors=["A"], object_refs=[to("report")]),
    sdo(
        "observed-data",
        first_observed=TIME,
        last_observed=LATER,
        number_observed=3,
        object_refs=[f"ipv4-addr--{V5}", to("relationship"), "x-foo--" + U],
    ),
    sdo("opinion", opinion="agree", explanation="e", object_refs=[to("note")]),
    sdo("report", name="r", published=TIME, report_types=["campaign"], object_refs=[to("indicator")]),
    sdo("threat-actor", name="t", threat_actor_types=["spy"], roles=["agent"], sophistication="expert", goals=["g"]),
    sdo("tool", name="t", tool_types=["remote-access"], tool_version="1", kill_chain_phases=PHASES),
    sdo(
        "vulnerability",
        name="CVE-2026-12345",
        external_references=[{"source_name": "cve", "external_id": "CVE-2026-1234"}],
    ),
    sdo("relationship", relationship_type="indicates", source_ref=to("indicator"), target_ref=to("malware")),
    sdo(
        "relationship",
        relationship_type="related-to",
        source_ref=to("x-foo"),
        target_ref=to("report"),
        start_time=TIME,
        stop_time=LATER,
    ),
    sdo("sighting", sighting_of_ref=to("indicator"), count=5, where_sighted_refs=[to("identity")], first_seen=TIME),
    sdo("language-content", object_ref=to("report"), object_modified=TIME, contents={"de": {"name": "n"}}),
    {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{U}",
        "created": TIME,
        "name": "s",
        "definition_type": "statement",
        "definition": {"statement": "(c) x"},
    },
    {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "created": "2017-01-20T00:00:00.000Z",
        "name": "TLP:GREEN",
        "definition_type": "tlp",
        "definition": {"tlp": "green"},
    },
    {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        "created": "2022-10-01T00:00:00.000Z",
        "name": "TLP:RED",
        "extensions": {EXT: {"extension_type": "property-extension", "tlp_2_0": "red"}},
    },
    sdo(
        "extension-definition",
        name="e",
        description="d",
        schema="https://a.example/s.json",
        version="1.0",
        extension_types=["property-extension"],
        created_by_ref=to("identity"),
    ),
    sdo(
        "extension-definition",
        name="e",
        description="d",
        schema="https://a.example/s.json",
        version="1.0",
        extension_types=["toplevel-property-extension"],
        extension_properties=["rank"],
    ),
    sdo("x-foo", extensions={EXT: {"extension_type": "new-sdo"}}, rank=5, foo_hex="00ff"),
    sdo("tool", name="t", rank=5, extensions={EXT: {"extension_type": "toplevel-property-extension"}}),
    sco("artifact", mime_type="application/pdf", payload_bin="AAAA"),
    sco(
        "artifact",
        url="https://a.example/x.zip",
        hashes={"SHA-256": "0" * 64},
        encryption_algorithm="mime-type-indicated",
        decryption_key="x",
    ),
    sco("autonomous-system", number=65551, name="AS"),
    sco("directory", path="C:\\x", path_enc="UTF-8", ctime=TIME, contains_refs=[f"file--{V5}"]),
    sco("domain-name", value="example.com", resolves_to_refs=[f"ipv4-addr--{V5}"]),
    sco("domain-name", value="bücher.example"),
    sco("email-addr", value="a.b@c.example", display_name="A", belongs_to_ref=f"user-account--{V5}"),
    sco(
        "email-message",
        is_multipart=True,
        subject="s",
        from_ref=f"email-addr--{V5}",
        to_refs=[f"email-addr--{V5}"],
        date=TIME,
        additional_header_fields={"X-Mailer": "m", "Reply-To": ["a", "b"]},
        body_multipart=[{"body": "b", "content_type": "text/plain"}, {"body_raw_ref": f"artifact--{V5}"}],
    ),
    sco("email-message", is_multipart=False, body="b", received_lines=["r"]),
    sco(
        "file",
        name="x.exe",
        size=5,
        hashes={"MD5": "0" * 32, "SSDEEP": "3:ab:cd"},
        mime_type="application/octet-stream",
        magic_number_hex="4d5a",
        parent_directory_ref=f"directory--{V5}",
        extensions={
            "windows-pebinary-ext": {
                "pe_type": "exe",
                "number_of_sections": 2,
                "time_date_stamp": "2026-01-01T00:00:00Z",
                "file_header_hashes": {"SHA-1": "0" * 40},
                "optional_header": {"magic_hex": "010b", "size_of_code": 1, "hashes": {"MD5": "0" * 32}},
                "sections": [{"name": ".text", "entropy": 7.1, "hashes": {"MD5": "0" * 32}}],
            },
            "ntfs-ext": {"sid": "s", "alternate_data_streams": [{"name": "n", "size": 1, "hashes": {"MD5": "0" * 32}}]},
            "pdf-ext": {"version": "1.7", "is_optimized": True, "document_info_dict": {"Title": "t"}, "pdfid0": "x"},
            "archive-ext": {"contains_refs": [f"file--{V5}"], "comment": "c"},
            "raster-image-ext": {"image_height": 1, "image_width": 2},
        },
    ),
    sco("ipv4-addr", value="198.51.100.3", belongs_to_refs=[f"autonomous-system--{V5}"]),
    sco("ipv4-addr", value="198.51.100.0/24", defanged=True),
    sco("ipv6-addr", value="2001:db8::1/64", resolves_to_refs=[f"mac-addr--{V5}"]),
    sco("mac-addr", value="d2:fb:49:24:37:18"),
    sco("mutex", name="m"),
    sco(
        "network-traffic",
        protocols=["ipv4", "tcp", "http"],
        src_ref=f"ipv4-addr--{V5}",
        dst_ref=f"domain-name--{V5}",
        src_port=1,
        dst_port=80,
        start=TIME,
        end=LATER,
        is_active=False,
        src_byte_count=5,
        extensions={
            "http-request-ext": {
                "request_method": "get",
                "request_value": "/x",
                "request_header": {"User-Agent": ["ua"]},
            },
            "tcp-ext": {"src_flags_hex": "02"},
            "icmp-ext": {"icmp_type_hex": "08", "icmp_code_hex": "00"},
            "socket-ext": {"address_family": "AF_INET", "options": {"SO_KEEPALIVE": 1}, "socket_type": "SOCK_STREAM"},
        },
    ),
    sco(
        "process",
        pid=5,
        command_line="x",
        created_time=TIME,
        environment_variables={"PATH": "x"},
        image_ref=f"file--{V5}",
        extensions={
            "windows-process-ext": {"priority": "HIGH_PRIORITY_CLASS", "aslr_enabled": True, "integrity_level": "low"},
            "windows-service-ext": {"service_name": "s", "start_type": "SERVICE_AUTO_START", "descriptions": ["d"]},
        },
    ),
    sco("software", name="s", vendor="v", languages=["en"], cpe="cpe:2.3:a:ms:word:2000:*:*:*:*:*:*:*"),
    sco("url", value="https://example.com/a/b?c=d"),
    sco(
        "user-account",
        user_id="u",
        account_type="unix",
        account_created=TIME,
        is_disabled=False,
        extensions={"unix-account-ext": {"gid": 5, "groups": ["wheel"], "home_dir": "/h", "shell": "/bin/sh"}},
    ),
    sco(
        "windows-registry-key",
        key="HKEY_LOCAL_MACHINE\\x",
        values=[{"name": "n", "data": "d", "data_type": "REG_SZ"}],
        modified_time=TIME,
        number_of_subkeys=1,
    ),
    sco(
        "x509-certificate",
        serial_number="1",
        issuer="i",
        validity_not_before=TIME,
        hashes={"SHA-256": "0" * 64},
        x509_v3_extensions={"key_usage": "k", "private_key_usage_period_not_before": TIME},
    ),
]


def dump(value: object) -> bytes:
    """Write an object as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
