package handlers

import (
	"fmt"
	"net/netip"
	"slices"
)

// reserved are the networks that are no part of the public Internet, by the
// registries of IANA. Of IPv6 only 2000::/3 is public at all; see refuse.
var reserved = []struct {
	network netip.Prefix
	name    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"}, // cloud metadata among them
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // Teredo, ORCHID and the like
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
	{netip.MustParsePrefix("fc00::/7"), "private"}, // cloud metadata among them
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

var (
	public6 = netip.MustParsePrefix("2000::/3")
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	sixToV4 = netip.MustParsePrefix("2002::/16")
)

// metadata are the addresses at which clouds tell a machine its secrets. No handler
// reaches them, not even one that may reach private addresses: a name may mean one of
// them tomorrow. Most are link-local or private anyway; Azure's first and Alibaba's
// look like any other host.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"),    // AWS, Azure, GCP, Oracle, OpenStack, DigitalOcean, Hetzner
	netip.MustParseAddr("168.63.129.16"),      // Azure, WireServer
	netip.MustParseAddr("169.254.170.2"),      // AWS, credentials of containers
	netip.MustParseAddr("169.254.170.23"),     // AWS, credentials of pods
	netip.MustParseAddr("100.100.100.200"),    // Alibaba
	netip.MustParseAddr("192.0.0.192"),        // Oracle, first generation
	netip.MustParseAddr("169.254.0.23"),       // Tencent
	netip.MustParseAddr("169.254.42.42"),      // Scaleway
	netip.MustParseAddr("fd00:ec2::254"),      // AWS
	netip.MustParseAddr("fd00:ec2::23"),       // AWS, credentials of pods
	netip.MustParseAddr("fd20:ce::254"),       // GCP
	netip.MustParseAddr("fd00:c1::a9fe:a9fe"), // Oracle
	netip.MustParseAddr("fd00:42::42"),        // Scaleway
	netip.MustParseAddr("fd00:a9fe:a9fe::1"),  // Linode
	netip.MustParseAddr("fe80::a9fe:a9fe"),    // OpenStack
}

// checkPublic refuses what a job's arguments have no business with: every
// address that is not on the public Internet.
func checkPublic(at netip.AddrPort) error {
	if err := checkMetadata(at); err != nil {
		return err
	}
	if name := refuse(at.Addr()); name != "" {
		return fmt.Errorf("%v is a %s address; set allow_private to reach it", at.Addr(), name)
	}
	return nil
}

// checkMetadata refuses what is left to refuse with allow_private.
func checkMetadata(at netip.AddrPort) error {
	addr := plain(at.Addr())
	for within := addr; within.IsValid(); within = ipv4Within(within) {
		if slices.Contains(metadata, within) {
			return fmt.Errorf("%v is the address of a cloud's metadata, which no handler may reach", at.Addr())
		}
	}
	return nil
}

// plain gives an address without zone, and IPv4 as IPv4.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// ipv4Within gives the IPv4 address that an IPv6 one leads to; the zero Addr for none.
func ipv4Within(addr netip.Addr) netip.Addr {
	bytes := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(bytes[12:16]))
	case sixToV4.Contains(addr):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	}
	return netip.Addr{}
}

// refuse names what kind of address it is that may not be reached; empty means
// that it may. IPv4 inside IPv6 is judged by the IPv4.
func refuse(addr netip.Addr) string {
	addr = plain(addr)
	for _, r := range reserved {
		if r.network.Contains(addr) {
			return r.name
		}
	}
	if addr.Is4() {
		return ""
	}
	switch within := ipv4Within(addr); {
	case within.IsValid():
		return refuse(within)
	case !public6.Contains(addr):
		return "reserved"
	}
	return ""
}
