package handlers

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// names is a name server on loopback: what each name means, look-up by look-up
// (the last answer stays). Other names do not exist.
type names map[string][][]string

// Types of DNS records, and the answer code for a name that does not exist.
const (
	typeA    = 1
	typeAAAA = 28
	noSuch   = 3
)

// resolver serves the names and gives a resolver that asks nobody else.
func (n names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		n.serve(conn)
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-served
	})
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
		},
	}
}

func (n names) serve(conn net.PacketConn) {
	type question struct {
		name string
		kind uint16
	}
	asked := make(map[question]int)
	query := make([]byte, 1500)
	for {
		length, from, err := conn.ReadFrom(query)
		if err != nil {
			return
		}
		name, end := readName(query[:length])
		kind := binary.BigEndian.Uint16(query[end:])
		meanings := n[name]
		var addrs []string
		if len(meanings) > 0 {
			q := question{name, kind}
			addrs = meanings[min(asked[q], len(meanings)-1)]
			asked[q]++
		}
		_, _ = conn.WriteTo(reply(query[:end+4], kind, addrs, len(meanings) > 0), from)
	}
}

// readName gives the name asked for, and where it ends.
func readName(query []byte) (string, int) {
	var labels []string
	at := 12
	for query[at] != 0 {
		size := int(query[at])
		labels = append(labels, string(query[at+1:at+1+size]))
		at += 1 + size
	}
	return strings.ToLower(strings.Join(labels, ".")), at + 1
}

// reply answers a query, given up to the end of its question, with those of
// addrs that are of its kind.
func reply(query []byte, kind uint16, addrs []string, exists bool) []byte {
	out := append([]byte(nil), query...)
	out[2], out[3] = 0x81, 0x80
	if !exists {
		out[3] |= noSuch
	}
	count := 0
	for _, text := range addrs {
		addr := netip.MustParseAddr(text)
		if (kind == typeA) != addr.Is4() || (kind != typeA && kind != typeAAAA) {
			continue
		}
		count++
		out = append(out, 0xc0, 12)                                   // the name of the question
		out = binary.BigEndian.AppendUint16(out, kind)                //
		out = append(out, 0, 1, 0, 0, 0, 0, 0, byte(addr.BitLen()/8)) // Internet, no caching, length
		out = append(out, addr.AsSlice()...)
	}
	binary.BigEndian.PutUint16(out[6:], uint16(count))
	clear(out[8:12])
	return out
}
