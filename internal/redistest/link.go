package redistest

import (
	"bufio"
	"io"
	"net"
	"sync"
	"time"
)

// link is one connection through a Proxy: a client's side and a server's.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	done           chan struct{}
	ending         sync.Once

	mu         sync.Mutex
	unanswered int  // requests read from the client and not yet answered
	spared     int  // of them, those that came before the cut
	cut        bool // replies are lost from the cut on
}

// parcel is a piece of data on its way.
type parcel struct {
	at   time.Time // when it is to arrive
	data []byte
}

// run moves data both ways until one side ends.
func (l *link) run() {
	requests, replies := bufio.NewReader(l.client), bufio.NewReader(l.server)
	next := frame
	if first, err := requests.Peek(1); err == nil && isTLS(first[0]) {
		next = chunk
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.move(requests, next, l.asked, l.server) })
	wg.Go(func() { l.move(replies, next, l.answered, l.client) })
	wg.Wait()
}

// close ends the connection on both sides.
func (l *link) close() {
	l.ending.Do(func() {
		close(l.done)
		_, _ = l.client.Close(), l.server.Close()
	})
}

// move reads pieces and passes on those that judge lets through, each at its own
// time, until one side ends or judge says so by an error.
func (l *link) move(from *bufio.Reader, next func(*bufio.Reader) ([]byte, error), judge func([]byte) (bool, error), to net.Conn) {
	underway := make(chan parcel, 1024)
	var writer sync.WaitGroup
	writer.Go(func() { l.deliver(underway, to) })
	for {
		data, err := next(from)
		if err != nil {
			break
		}
		pass, err := judge(data)
		if err != nil {
			break
		}
		if pass {
			select {
			case underway <- parcel{l.proxy.deadline(len(data)), data}:
			case <-l.done:
			}
		}
	}
	close(underway)
	writer.Wait()
}

// deliver writes what is under way, and ends the connection after the last.
func (l *link) deliver(underway <-chan parcel, to net.Conn) {
	defer l.close()
	for p := range underway {
		if !l.wait(p.at) {
			return
		}
		if _, err := to.Write(p.data); err != nil {
			return
		}
	}
	l.wait(time.Now()) // a frozen network hides the end of a connection too
}

// wait returns at that time, later while the proxy is frozen; false means that
// the connection has ended.
func (l *link) wait(at time.Time) bool {
	select {
	case <-time.After(time.Until(at)):
	case <-l.done:
		return false
	}
	select {
	case <-l.proxy.gate():
		return true
	case <-l.done:
		return false
	}
}

// asked notes a request on its way to the server.
func (l *link) asked(request []byte) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cut && l.proxy.shallCut(request) {
		l.cut, l.spared = true, l.unanswered
	}
	l.unanswered++
	return true, nil
}

// answered notes a reply and says whether the client may have it. What the
// server pushes by itself answers nothing.
func (l *link) answered(reply []byte) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reply[0] == '>' {
		return !l.cut, nil
	}
	l.unanswered = max(0, l.unanswered-1)
	if !l.cut {
		return true, nil
	}
	l.spared--
	if l.unanswered == 0 {
		return false, io.EOF // the server has executed all that it was sent
	}
	return l.spared >= 0, nil
}

func isTLS(first byte) bool { return first == 0x16 }

// chunk reads whatever comes.
func chunk(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	data := make([]byte, r.Buffered())
	_, err := io.ReadFull(r, data)
	return data, err
}
