"""What strict exchange asks of cyber observables and their extensions, type by type (STIX 2.1 section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entente.formats.shapes import is_object, words
from entente.formats.stix.checks import (
    Check,
    binary,
    boolean,
    dictionary,
    dictionary_of,
    domain,
    email,
    fields,
    hashes,
    hexes,
    integer,
    ipv4,
    ipv6,
    mac,
    many,
    matching,
    number,
    one_of,
    parse_time,
    ref,
    text,
    time,
    url,
)
from entente.formats.stix.strict import vocab
from entente.formats.stix.strict.sdo import OBSERVABLE, TypeRule

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIRED: Final = ("type", "id")
_count: Final = integer(0)
_whole: Final = integer()
_charset: Final = one_of(vocab.CHARSET, "the character sets")
_media: Final = one_of(vocab.MEDIA, "the common media types")


def _rule(more: Mapping[str, Check], *required: str, some: tuple[str, ...] = ()) -> TypeRule:
    return TypeRule({**OBSERVABLE, **more}, (*_REQUIRED, *required), some)


def _any(table: Mapping[str, Check], *required: str) -> Check:
    """Make a check of an extension of which any property will do."""
    return fields(table, required, () if required else tuple(table))


def _whole_seconds(value: object) -> str:
    """Take a timestamp without a fraction."""
    good = parse_time(value) is not None and "." not in str(value)
    return "" if good else "must be a timestamp in whole seconds"


def _registry_key(value: object) -> str:
    """Take a registry key whose hive is written in full."""
    short = ("HKLM", "HKCC", "HKCR", "HKCU", "HKU", "hklm", "hkcc", "hkcr", "hkcu", "hku")
    if not isinstance(value, str):
        return "must be a string"
    return "must name the hive in full" if any(hive in value for hive in short) else ""


def _header_fields(value: object) -> str:
    """Take additional e-mail header fields: texts, or lists of at least two."""
    return dictionary_of(_header_name, _header_value)(value)


def _header_name(value: object) -> str:
    known = ("date", "received_lines", "content_type", "from_ref", "sender_ref", "to_refs", "cc_refs", "bcc_refs")
    taken = any(name in str(value) for name in (*known, "subject"))
    return "is a property of its own" if taken else ""


def _header_value(value: object) -> str:
    return "" if isinstance(value, str) else many(text, 2)(value)


_directory_times: Final[dict[str, Check]] = dict.fromkeys(("ctime", "mtime", "atime"), time)
_address: Final[dict[str, Check]] = {
    "resolves_to_refs": many(ref("mac-addr")),
    "belongs_to_refs": many(ref("autonomous-system")),
}
_mime_part: Final = fields(
    {"body": text, "body_raw_ref": ref("artifact", "file"), "content_type": text, "content_disposition": text}
)


def mime_part(value: object) -> str:
    """Take one part of a message with exactly one body."""
    why = _mime_part(value)
    if why or not is_object(value):
        return why
    return "" if ("body" in value) != ("body_raw_ref" in value) else "must have either body or body_raw_ref"


_cpe_part: Final = r"(?:[a-zA-Z0-9._-]+|\*|-)"
_cpe: Final = matching(
    rf"cpe:2\.3:[aho](?::{_cpe_part}){{5}}:(?:[a-zA-Z]{{2,3}}|\*|-)(?::{_cpe_part}){{4}}", "a CPE 2.3 name"
)
_x509_v3: Final = _any(
    {
        **dict.fromkeys(
            words(
                "basic_constraints name_constraints policy_constraints key_usage extended_key_usage "
                "subject_key_identifier authority_key_identifier subject_alternative_name "
                "issuer_alternative_name subject_directory_attributes crl_distribution_points "
                "inhibit_any_policy certificate_policies policy_mappings"
            ),
            text,
        ),
        "private_key_usage_period_not_before": time,
        "private_key_usage_period_not_after": time,
    }
)
_certificate: Final[dict[str, Check]] = {
    "is_self_signed": boolean,
    "hashes": hashes,
    **dict.fromkeys(("version", "serial_number", "signature_algorithm", "issuer", "subject"), text),
    **dict.fromkeys(("validity_not_before", "validity_not_after"), time),
    **dict.fromkeys(("subject_public_key_algorithm", "subject_public_key_modulus"), text),
    "subject_public_key_exponent": _whole,
    "x509_v3_extensions": _x509_v3,
}
_account: Final[dict[str, Check]] = {
    **dict.fromkeys(("user_id", "credential", "account_login", "display_name"), text),
    "account_type": one_of(vocab.ACCOUNT, "the account types"),
    **dict.fromkeys(("is_service_account", "is_privileged", "can_escalate_privs", "is_disabled"), boolean),
    **dict.fromkeys(("account_created", "account_expires", "credential_last_changed"), time),
    **dict.fromkeys(("account_first_login", "account_last_login"), time),
}
_process: Final[dict[str, Check]] = {
    "is_hidden": boolean,
    "pid": _whole,
    "created_time": time,
    "cwd": text,
    "command_line": text,
    "environment_variables": dictionary,
    "opened_connection_refs": many(ref("network-traffic")),
    "creator_user_ref": ref("user-account"),
    "image_ref": ref("file"),
    "parent_ref": ref("process"),
    "child_refs": many(ref("process")),
}
_PROCESS_SOME: Final = ("extensions", *(name for name in _process if name != "created_time"))

SCO_RULES: Final[dict[str, TypeRule]] = {
    "artifact": _rule(
        {
            "mime_type": _media,
            "payload_bin": binary,
            "url": url,
            "hashes": hashes,
            "encryption_algorithm": one_of(("AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"), "the ciphers"),
            "decryption_key": text,
        },
        some=("payload_bin", "url"),
    ),
    "autonomous-system": _rule({"number": _whole, "name": text, "rir": text}, "number"),
    "directory": _rule(
        {"path": text, "path_enc": _charset, **_directory_times, "contains_refs": many(ref("file", "directory"))},
        "path",
    ),
    "domain-name": _rule(
        {"value": domain, "resolves_to_refs": many(ref("ipv4-addr", "ipv6-addr", "domain-name"))}, "value"
    ),
    "email-addr": _rule({"value": email, "display_name": text, "belongs_to_ref": ref("user-account")}, "value"),
    "email-message": _rule(
        {
            "is_multipart": boolean,
            "date": time,
            **dict.fromkeys(("content_type", "message_id", "subject", "body"), text),
            **dict.fromkeys(("from_ref", "sender_ref"), ref("email-addr")),
            **dict.fromkeys(("to_refs", "cc_refs", "bcc_refs"), many(ref("email-addr"))),
            "received_lines": many(text),
            "additional_header_fields": _header_fields,
            "body_multipart": many(mime_part),
            "raw_email_ref": ref("artifact"),
        },
        "is_multipart",
        some=("from_ref", "subject", "body"),
    ),
    "file": _rule(
        {
            **_directory_times,
            "hashes": hashes,
            "size": _count,
            "name": text,
            "name_enc": _charset,
            "magic_number_hex": hexes,
            "mime_type": _media,
            "parent_directory_ref": ref("directory"),
            "contains_refs": many(ref()),
            "content_ref": ref("artifact"),
        },
        some=("hashes", "name"),
    ),
    "ipv4-addr": _rule({"value": ipv4, **_address}, "value"),
    "ipv6-addr": _rule({"value": ipv6, **_address}, "value"),
    "mac-addr": _rule({"value": mac}, "value"),
    "mutex": _rule({"name": text}, "name"),
    "network-traffic": TypeRule(
        {
            **OBSERVABLE,
            "start": time,
            "end": time,
            "is_active": boolean,
            "src_port": integer(0, 65535),
            "dst_port": integer(0, 65535),
            "protocols": many(one_of(vocab.PROTOCOL, "the common protocols")),
            **dict.fromkeys(("src_ref", "dst_ref"), ref("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name")),
            **dict.fromkeys(("src_byte_count", "dst_byte_count", "src_packets", "dst_packets"), _count),
            **dict.fromkeys(("src_payload_ref", "dst_payload_ref"), ref("artifact")),
            "encapsulates_refs": many(ref("network-traffic")),
            "encapsulated_by_ref": ref("network-traffic"),
        },
        (*_REQUIRED, "protocols", "src_port", "dst_port"),
        ("src_ref", "dst_ref"),
        (("end", "start", True),),
    ),
    "process": _rule(_process, some=_PROCESS_SOME),
    "software": _rule(
        {
            "cpe": _cpe,
            "languages": many(one_of([tag for tag in vocab.LANG if len(tag) in (2, 5)], "the language tags")),
            **dict.fromkeys(("name", "swid", "vendor", "version"), text),
        },
        "name",
    ),
    "url": _rule({"value": url}, "value"),
    "user-account": _rule(_account, some=("account_type", "user_id", "account_login")),
    "windows-registry-key": _rule(
        {
            "key": _registry_key,
            "values": many(
                _any({"name": text, "data": text, "data_type": one_of(vocab.REGISTRY_DATA, "the registry types")})
            ),
            "modified_time": time,
            "creator_user_ref": ref("user-account"),
            "number_of_subkeys": _whole,
        },
        some=("key", "values"),
    ),
    "x509-certificate": _rule(_certificate, some=("hashes", "serial_number")),
}

_pe_header: Final[dict[str, Check]] = {
    **dict.fromkeys(
        words("magic_hex win32_version_value_hex checksum_hex subsystem_hex dll_characteristics_hex loader_flags_hex"),
        hexes,
    ),
    **dict.fromkeys(
        words(
            "major_linker_version minor_linker_version size_of_code size_of_initialized_data "
            "size_of_uninitialized_data address_of_entry_point base_of_code base_of_data image_base "
            "section_alignment file_alignment major_os_version minor_os_version major_image_version "
            "minor_image_version major_subsystem_version minor_subsystem_version size_of_image "
            "size_of_headers size_of_stack_reserve size_of_stack_commit size_of_heap_reserve "
            "size_of_heap_commit number_of_rva_and_sizes"
        ),
        _count,
    ),
    "hashes": hashes,
}
_stream: Final = fields({"name": text, "hashes": hashes, "size": _count}, ("name",))
_section: Final = fields(
    {"name": text, "size": _count, "entropy": number(0, float("inf")), "hashes": hashes}, ("name",)
)
_START: Final = "AUTO_START BOOT_START DEMAND_START DISABLED SYSTEM_ALERT"
_KIND: Final = "KERNEL_DRIVER FILE_SYSTEM_DRIVER WIN32_OWN_PROCESS WIN32_SHARE_PROCESS"
_STATUS: Final = "CONTINUE_PENDING PAUSE_PENDING PAUSED RUNNING START_PENDING STOP_PENDING STOPPED"


def _service(words: str) -> Check:
    return one_of([f"SERVICE_{word}" for word in words.split()], "the values of Windows services")


SCO_EXTENSIONS: Final[dict[str, dict[str, Check]]] = {
    "file": {
        "archive-ext": fields({"contains_refs": many(ref()), "comment": text}, ("contains_refs",)),
        "ntfs-ext": _any({"sid": text, "alternate_data_streams": many(_stream)}),
        "pdf-ext": _any(
            {
                **dict.fromkeys(("version", "pdfid0", "pdfid1"), text),
                "is_optimized": boolean,
                "document_info_dict": dictionary_of(one_of(vocab.PDF_INFO, "the PDF document properties"), text),
            }
        ),
        "raster-image-ext": _any(dict.fromkeys(("image_height", "image_width", "bits_per_pixel"), _whole)),
        "windows-pebinary-ext": fields(
            {
                "pe_type": one_of(("exe", "dll", "sys"), "the PE types"),
                "imphash": text,
                **dict.fromkeys(("machine_hex", "pointer_to_symbol_table_hex", "characteristics_hex"), hexes),
                **dict.fromkeys(("number_of_sections", "number_of_symbols", "size_of_optional_header"), _count),
                "time_date_stamp": _whole_seconds,
                "file_header_hashes": hashes,
                "optional_header": fields(_pe_header),
                "sections": many(_section),
            },
            ("pe_type",),
            ("imphash", "machine_hex", "number_of_sections", "time_date_stamp", "optional_header", "sections"),
        ),
    },
    "network-traffic": {
        "http-request-ext": fields(
            {
                **dict.fromkeys(("request_method", "request_value", "request_version"), text),
                "request_header": dictionary_of(one_of(vocab.REQUEST_HEADER, "the request headers"), many(text)),
                "message_body_length": _count,
                "message_body_data_ref": ref("artifact"),
            },
            ("request_method", "request_value"),
        ),
        "icmp-ext": fields({"icmp_type_hex": hexes, "icmp_code_hex": hexes}, ("icmp_type_hex", "icmp_code_hex")),
        "socket-ext": fields(
            {
                "address_family": one_of([f"AF_{name}" for name in ("UNSPEC", "INET", "INET6")], "the families"),
                "is_blocking": boolean,
                "is_listening": boolean,
                "options": dictionary_of(one_of(vocab.SOCKET_OPTION, "the socket options"), _whole),
                "socket_type": one_of([f"SOCK_{name}" for name in ("STREAM", "DGRAM", "RAW")], "the socket types"),
                "socket_descriptor": _count,
                "socket_handle": _whole,
            },
            ("address_family",),
        ),
        "tcp-ext": _any({"src_flags_hex": hexes, "dst_flags_hex": hexes}),
    },
    "process": {
        "windows-process-ext": fields(
            {
                "aslr_enabled": boolean,
                "dep_enabled": boolean,
                "priority": matching("[A-Z_]+_CLASS", "a priority class"),
                "owner_sid": text,
                "window_title": text,
                "integrity_level": one_of(("low", "medium", "high", "system"), "the integrity levels"),
            },
            some=("aslr_enabled", "dep_enabled", "priority", "owner_sid", "window_title"),
        ),
        "windows-service-ext": _any(
            {
                **dict.fromkeys(("service_name", "display_name", "group_name"), text),
                "descriptions": many(text),
                "service_dll_refs": many(ref("file")),
                "start_type": _service(_START),
                "service_type": _service(_KIND),
                "service_status": _service(_STATUS),
            }
        ),
    },
    "user-account": {
        "unix-account-ext": _any({"gid": _whole, "groups": many(text), "home_dir": text, "shell": text}),
    },
}
