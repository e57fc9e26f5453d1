"""Where a caller's base URL may lead: hostile addresses in every spelling, and nothing private unless allowed."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.addresses import may_connect

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "100.100.100.200",
    "168.63.129.16",
]
NEVER = [*METADATA, "0.0.0.0", "::", "::ffff:0.0.0.0", "224.0.0.1", "ff02::1", "fe80::1", "fe80::1%eth0", "240.0.0.1"]
NEVER += [
    "255.255.255.255",
    "192.0.2.1",
    "2001:db8::1",
    "fec0::1",
    "",
    "localhost",
    "2130706433",
    "0177.0.0.1",
    "1.2.3",
]
PRIVATE = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "fd12::1"]
PRIVATE += ["192.168.1.1", "100.64.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]
PUBLIC = ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", NEVER)
def test_where_nobody_may(address):
    """Credentials of the cloud, and what is no host's address: not even for a host that may be private."""
    assert not may_connect(address, allow_private=False)
    assert not may_connect(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones_take_leave(address):
    """Private and loopback addresses, also inside others."""
    assert not may_connect(address, allow_private=False)
    assert may_connect(address, allow_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones(address):
    """Anybody's."""
    assert may_connect(address, allow_private=False)


@given(st.ip_addresses())
def test_what_is_let_through_is_global(address):
    """Whatever the address, without leave it is a public unicast one, by Python's own register."""
    if may_connect(str(address), allow_private=False):
        inner = getattr(address, "ipv4_mapped", None) or address
        assert inner.is_global
        assert not any((inner.is_multicast, inner.is_private, inner.is_loopback, inner.is_link_local))


@given(st.ip_addresses(v=4), st.booleans())
def test_an_address_inside_another_counts_as_itself(address, allow_private):
    """Mapped and NAT64 hide nothing, and in 6to4 nothing goes."""
    number = int(address)
    hidden = [f"::ffff:{address}", str(ipaddress.IPv6Address(number | 0x64FF9B << 96))]
    wanted = may_connect(str(address), allow_private=allow_private)
    assert [may_connect(text, allow_private=allow_private) for text in hidden] == [wanted] * 2
    assert not may_connect(str(ipaddress.IPv6Address(0x2002 << 112 | number << 80)), allow_private=allow_private)
