"""What a step would touch of what a member protects."""

from __future__ import annotations

import pytest

from entente.core.errors import InvalidError
from entente.policy.protected import MAX_VALUES, read, touched


@pytest.mark.parametrize(
    ("value", "said", "hit"),
    [
        ("192.0.2.7", "drop 192.0.2.7", True),
        ("192.0.2.7", "drop 192.0.2.0/24 now", True),
        ("192.0.2.0/24", '{"dst":"192.0.2.9:443"}', True),
        ("192.0.2.7", "drop 192.0.2.77", False),
        ("192.0.2.7", "drop 198.51.100.0/24", False),
        ("2001:db8::1", "block [2001:db8::1]:53", True),
        ("2001:db8::/32", "block 2001:db8:7::9", True),
        ("shop.example", "sinkhole www.shop.example", True),
        ("shop.example", "sinkhole shop.example.", True),
        ("www.shop.example", "sinkhole shop.example", True),
        ("shop.example", "sinkhole notshop.example", False),
        ("shop.example", "GET https://SHOP.example/api", True),
        ("192.0.2.7", "drop 192.0.2.1-192.0.2.9", True),
        ("192.0.2.7", "drop 192.0.2.8-192.0.2.9", False),
        ("192.0.2.7", "drop a-b-c, 192.0.2.9-192.0.2.1, 2001:db8::1-192.0.2.7x", False),
        ("192.0.2.7", "block ::ffff:192.0.2.7", True),
        ("::ffff:192.0.2.0/120", "block 192.0.2.7", True),
        ("192.0.2.7", "GET http://3221225991/x", True),
        ("192.0.2.7", "GET http://0xC0000207:80/x", True),
        ("192.0.2.7", "at 3221225991", False),
        ("192.0.2.7", "drop \uff11\uff19\uff12.0.2.7", True),
        ("shop.example.", "sinkhole www.shop.example", True),
        ("shop.example", "sinkhole shop\u3002example", True),
        ("m\u00fchle.example", "sinkhole M\u00dcHLE.example", True),
        ("payroll", "stop the PAYROLL service", True),
        ("payroll", "stop the mail service", False),
    ],
)
def test_protected_value_is_touched(value: str, said: str, hit: bool) -> None:
    assert (touched([value], [said]) == [value]) == hit


def test_list_is_read_line_by_line() -> None:
    assert read("# ours\n\nb.example\n a.example \nb.example\n") == ["a.example", "b.example"]
    with pytest.raises(InvalidError):
        read("\n".join(f"{number}.example" for number in range(MAX_VALUES + 1)))
    with pytest.raises(InvalidError):
        read("x" * 600)
