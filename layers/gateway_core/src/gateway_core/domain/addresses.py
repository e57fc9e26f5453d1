"""Which addresses a base URL that a caller named may lead to. Pure."""

from __future__ import annotations

import ipaddress

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google and most others
            "169.254.170.2",  # AWS, credentials of a container
            "169.254.170.23",  # AWS, credentials of a pod
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # AWS, credentials of a pod
            "fd20:ce::254",  # Google
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure, its machines' agent
            "192.0.0.192",  # Oracle
        ),
    )
)
"""Where clouds hand out credentials; most are link-local as well, but not all."""


def may_connect(text: str, *, allow_private: bool) -> bool:
    """Whether a request of a caller's choice may be sent to this address.

    Public ones only, or with `allow_private` also private and loopback ones; never where clouds hand out credentials,
    nor to link-local, multicast, unspecified or reserved ones. An IPv4 address inside an IPv6 one counts as itself
    where that is how it is reached (mapped, NAT64); other tunnels are refused.
    """
    try:
        address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback or _is_private(address):
        return allow_private
    return address.is_global and not (address.is_reserved or getattr(address, "is_site_local", False))


def _innermost(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)


def _is_private(address: Address) -> bool:
    return any(address in network for network in _PRIVATE if network.version == address.version)
