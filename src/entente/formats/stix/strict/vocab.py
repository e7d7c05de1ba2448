"""The vocabularies which strict exchange keeps to (STIX 2.1 section 10, ISO 3166-1, RFC 5646, IANA registries).

The lists of IANA names are short choices of what is common in the field; a name outside of them is refused.
"""

from __future__ import annotations

from typing import Final

from entente.formats.shapes import words

MOTIVATION: Final = words(
    "accidental coercion dominance ideology notoriety organizational-gain personal-gain personal-satisfaction "
    "revenge unpredictable"
)
RESOURCE_LEVEL: Final = words("individual club contest team organization government")
GROUPING_CONTEXT: Final = ("suspicious-activity", "malware-analysis", "unspecified")
IDENTITY_CLASS: Final = words("individual group system organization class unknown")
LANGUAGE: Final = words(
    "applescript bash c c++ c# go java javascript lua objective-c perl php powershell python ruby scala swift "
    "typescript visual-basic x86-32 x86-64"
)
INDICATOR: Final = words("anomalous-activity anonymization benign compromised malicious-activity attribution unknown")
SECTOR: Final = words(
    "agriculture aerospace automotive chemical commercial communications construction defense education "
    "energy entertainment financial-services government emergency-services government-local "
    "government-national government-public-services government-regional healthcare hospitality-leisure "
    "infrastructure dams nuclear water insurance manufacturing mining non-profit pharmaceuticals retail "
    "technology telecommunications transportation utilities"
)
INFRASTRUCTURE: Final = words(
    "amplification anonymization botnet command-and-control control-system exfiltration firewall "
    "hosting-malware hosting-target-lists phishing reconnaissance routers-switches staging workstation "
    "unknown"
)
VERDICT: Final = ("malicious", "suspicious", "benign", "unknown")
MALWARE: Final = words(
    "adware backdoor bot bootkit ddos downloader dropper exploit-kit keylogger ransomware "
    "remote-access-trojan resource-exploitation rogue-security-software rootkit screen-capture spyware trojan "
    "unknown virus webshell wiper worm"
)
CAPABILITY: Final = words(
    "accesses-remote-machines anti-debugging anti-disassembly anti-emulation anti-memory-forensics "
    "anti-sandbox anti-vm captures-input-peripherals captures-output-peripherals captures-system-state-data "
    "cleans-traces-of-infection commits-fraud communicates-with-c2 compromises-data-availability "
    "compromises-data-integrity compromises-system-availability controls-local-machine "
    "degrades-security-software degrades-system-updates determines-c2-server emails-spam escalates-privileges "
    "evades-av exfiltrates-data fingerprints-host hides-artifacts hides-executing-code infects-files "
    "infects-remote-machines installs-other-components persists-after-system-reboot prevents-artifact-access "
    "prevents-artifact-deletion probes-network-environment self-modifies steals-authentication-credentials "
    "violates-system-operational-integrity"
)
PATTERN: Final = words("stix pcre sigma snort suricata yara")
PROCESSOR: Final = words("alpha arm ia-64 mips powerpc sparc x86 x86-64")
REGION: Final = words(
    "africa eastern-africa middle-africa northern-africa southern-africa western-africa americas "
    "latin-america-caribbean south-america caribbean central-america northern-america asia central-asia "
    "eastern-asia southern-asia south-eastern-asia western-asia europe eastern-europe northern-europe "
    "southern-europe western-europe oceania australia-new-zealand melanesia micronesia polynesia antarctica"
)
REPORT: Final = words(
    "threat-report attack-pattern campaign identity indicator intrusion-set malware observed-data "
    "threat-actor tool vulnerability"
)
ACTOR: Final = words(
    "activist competitor crime-syndicate criminal hacker insider-accidental insider-disgruntled nation-state "
    "sensationalist spy terrorist unknown"
)
ACTOR_ROLE: Final = words(
    "agent director independent infrastructure-architect infrastructure-operator malware-author sponsor"
)
SOPHISTICATION: Final = words("none minimal intermediate advanced expert innovator strategic")
TOOL: Final = words(
    "denial-of-service exploitation information-gathering network-capture credential-exploitation "
    "remote-access vulnerability-scanning unknown"
)
ACCOUNT: Final = words("unix windows-local windows-domain ldap tacacs radius nis openid facebook skype twitter kavi")
OPINION: Final = ("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")
EXTENSION: Final = ("new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension")
REGISTRY_DATA: Final = words(
    "REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK "
    "REG_MULTI_SZ REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD "
    "REG_INVALID_TYPE"
)
PDF_INFO: Final = words("Title Author Subject Keywords Creator Producer CreationDate ModDate Trapped")

COUNTRY: Final = frozenset(
    words(
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
        "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
        "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
        "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
        "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
        "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
        "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
        "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
    )
)
LANG: Final = frozenset(
    words(
        "af af-ZA ar ar-AE ar-BH ar-DZ ar-EG ar-IQ ar-JO ar-KW ar-LB ar-LY ar-MA ar-OM ar-QA ar-SA ar-SY "
        "ar-TN ar-YE az be be-BY bg bg-BG ca ca-ES cs cs-CZ cy cy-GB da da-DK de de-AT de-CH de-DE de-LI "
        "de-LU el el-GR en en-AU en-CA en-GB en-IE en-JM en-NZ en-PH en-US en-ZA es es-AR es-BO es-CL es-CO "
        "es-CR es-DO es-EC es-ES es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-PY es-SV es-UY es-VE et et-EE "
        "eu eu-ES fa fa-IR fi fi-FI fo fr fr-BE fr-CA fr-CH fr-FR fr-LU fr-MC gl gl-ES he he-IL hi hi-IN hr "
        "hr-BA hr-HR hu hu-HU hy hy-AM id id-ID is is-IS it it-CH it-IT ja ja-JP ka ka-GE kk kk-KZ ko ko-KR "
        "ky ky-KG lt lt-LT lv lv-LV mk mk-MK mn mn-MN ms ms-MY mt mt-MT nb nb-NO nl nl-BE nl-NL nn-NO pl "
        "pl-PL pt pt-BR pt-PT ro ro-RO ru ru-RU sk sk-SK sl sl-SI sq sq-AL sv sv-FI sv-SE sw sw-KE ta ta-IN "
        "te te-IN th th-TH tr tr-TR tt uk uk-UA ur ur-PK uz uz-UZ vi vi-VN zh zh-CN zh-HK zh-MO zh-SG zh-TW "
        "zu zu-ZA"
    )
)

MEDIA: Final = words(
    "application/gzip application/java-archive application/javascript application/json application/msword "
    "application/octet-stream application/pdf application/pkcs7-mime application/postscript application/rtf "
    "application/sql application/vnd.ms-excel application/vnd.ms-powerpoint "
    "application/vnd.openxmlformats-officedocument.presentationml.presentation "
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet "
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document application/vnd.tcpdump.pcap "
    "application/xhtml+xml application/xml application/zip audio/mpeg audio/ogg font/otf font/ttf font/woff "
    "font/woff2 image/bmp image/gif image/jpeg image/png image/svg+xml image/tiff image/webp message/rfc822 "
    "multipart/alternative multipart/mixed multipart/related text/calendar text/css text/csv text/html "
    "text/javascript text/markdown text/plain text/rtf text/vcard text/xml video/mp4 video/mpeg video/ogg"
)
CHARSET: Final = words("US-ASCII ISO-8859-1 ISO-8859-15 UTF-8 UTF-16 UTF-16BE UTF-16LE GBK Shift_JIS")
PROTOCOL: Final = words(
    "tcp udp sctp dccp ipv4 ipv6 ssl tls dns http https ftp ssh telnet smtp imap imaps pop3 pop3s ldap ldaps "
    "ntp snmp tftp sip sips bgp radius kerberos nfs rsync socks syslog mysql postgresql ms-sql-s rtsp "
    "xmpp-client irc git"
)
REQUEST_HEADER: Final = words(
    "Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Connection "
    "Content-Length Content-Type Cookie Date Expect From Host If-Match If-Modified-Since If-None-Match Origin "
    "Pragma Range Referer TE Upgrade User-Agent Via"
)
SOCKET_OPTION: Final = words("SO_BROADCAST SO_KEEPALIVE SO_LINGER SO_RCVBUF SO_REUSEADDR SO_SNDBUF TCP_NODELAY")

COMMON_RELATIONS: Final = frozenset({"derived-from", "duplicate-of", "related-to"})
_RELATIONS: Final = """
attack-pattern delivers malware; targets location vulnerability identity; uses malware tool
campaign attributed-to intrusion-set threat-actor; compromises infrastructure; originates-from location
campaign targets location identity vulnerability; uses attack-pattern infrastructure malware tool
course-of-action investigates indicator; mitigates attack-pattern indicator malware tool vulnerability
course-of-action remediates malware vulnerability
domain-name resolves-to domain-name ipv4-addr ipv6-addr
identity located-at location
indicator indicates attack-pattern campaign infrastructure intrusion-set malware threat-actor tool
indicator based-on observed-data
infrastructure communicates-with infrastructure ipv4-addr ipv6-addr domain-name url
infrastructure consists-of infrastructure observed-data artifact autonomous-system directory domain-name email-addr \
email-message file ipv4-addr ipv6-addr mac-addr mutex network-traffic process software url user-account \
windows-registry-key x509-certificate
infrastructure controls infrastructure malware; delivers malware; has vulnerability; hosts tool malware
infrastructure located-at location; uses infrastructure
intrusion-set attributed-to threat-actor; compromises infrastructure; hosts infrastructure; owns infrastructure
intrusion-set originates-from location; targets identity location vulnerability
intrusion-set uses attack-pattern infrastructure malware tool
ipv4-addr resolves-to mac-addr; belongs-to autonomous-system
ipv6-addr resolves-to mac-addr; belongs-to autonomous-system
malware authored-by threat-actor intrusion-set; beacons-to infrastructure; exfiltrates-to infrastructure
malware communicates-with ipv4-addr ipv6-addr domain-name url; controls malware; downloads malware file tool
malware drops malware file tool; exploits vulnerability; originates-from location
malware targets identity infrastructure location; uses attack-pattern infrastructure malware tool; variant-of malware
malware-analysis characterizes malware; analysis-of malware; static-analysis-of malware; dynamic-analysis-of malware
threat-actor attributed-to identity; compromises infrastructure; hosts infrastructure; owns infrastructure
threat-actor impersonates identity; located-at location; targets identity location vulnerability
threat-actor uses attack-pattern infrastructure malware tool
tool delivers malware; drops malware; uses infrastructure; has vulnerability
tool targets identity infrastructure location vulnerability
vulnerability impacts infrastructure
"""


def _read_relations() -> frozenset[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for line in _RELATIONS.strip().splitlines():
        source, _, rest = line.partition(" ")
        for clause in rest.split(";"):
            kind, *targets = clause.split()
            found.update((source, kind, target) for target in targets)
    return frozenset(found)


RELATIONS: Final = _read_relations()
