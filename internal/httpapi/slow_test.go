package httpapi_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// drip writes the rest of a request, a byte at a time, until the server has enough.
func drip(conn net.Conn, rest string) {
	for i := 0; ; i = (i + 1) % len(rest) {
		if _, err := io.WriteString(conn, rest[i:i+1]); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // slower than anybody needs to be
	}
}

func TestSlowClientsDisturbNobody(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ClientTimeout = 10 * time.Second }))
	beginnings := []string{
		"POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nX-Slow: ",                                                                  // and the header never ends
		"POST /v1/jobs HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",           // nor does the body
		"POST /v1/jobs/batch HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n{", // nor does the line
	}
	var slow sync.WaitGroup
	for i := range 100 {
		beginning := beginnings[i%2]
		if i < 10 { // fewer than the batches that may be served at once
			beginning = beginnings[2]
		}
		conn := d.dial()
		if _, err := fmt.Fprintf(conn, beginning, d.addr); err != nil {
			t.Fatal(err)
		}
		slow.Go(func() {
			go drip(conn, "xxxxxxxxxx")
			_ = conn.SetReadDeadline(time.Now().Add(redistest.Stretch * within))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("connection %d is not ended", i)
				}
			}
			_ = conn.Close()
		})
	}
	gone := make(chan struct{})
	go func() { slow.Wait(); close(gone) }()
	served := 0
	for open := true; open; served++ {
		if a := d.post(fmt.Sprintf(`{"kind":"k","queue":"q","args":%d}`, served)); a.code != http.StatusCreated {
			t.Fatalf("%d %s", a.code, a.body)
		}
		if a := d.batch(`{"kind":"k","queue":"batch"}`); a.code != http.StatusOK {
			t.Fatalf("%d %s", a.code, a.body)
		}
		select {
		case <-gone:
			open = false
		default:
		}
	}
	t.Logf("%d jobs and as many batches were served beside 100 slow connections", served)
	if n := d.jobsIn("q"); n != served {
		t.Errorf("%d jobs; want %d", n, served)
	}
}

func TestASlowLineEndsItsBatch(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ClientTimeout = 5 * time.Second }))
	s := d.stream()
	s.send("{\"kind\":\"k\",\"queue\":\"q\"}\n{\"kind\"")
	if r := s.result(); r.Status != http.StatusCreated {
		t.Fatalf("%+v", r)
	}
	if r := s.result(); r.Line != 2 || r.Status != http.StatusRequestTimeout {
		t.Errorf("%+v", r)
	}
	if s.results.Scan() || s.results.Err() != nil {
		t.Errorf("the answer does not end: %v", s.results.Err())
	}
}

func TestAClientThatDoesNotReadItsAnswersIsCutOff(t *testing.T) {
	t.Parallel()
	d := setup(t, limits(func(l *httpapi.Limits) { l.ClientTimeout = 500 * time.Millisecond; l.MaxBatches = 1 }))
	conn := d.dial()
	_ = conn.SetWriteDeadline(time.Now().Add(redistest.Stretch * within))
	_, err := fmt.Fprintf(conn, "POST /v1/jobs/batch HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000000\r\n\r\n", d.addr)
	lines := make([]byte, 0, 1<<16)
	for len(lines) < 1<<16-10 {
		lines = append(lines, "bad\n"...)
	}
	for err == nil {
		_, err = conn.Write(lines)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection is not ended")
	}
	d.eventually("the place of the batch is free", func() bool { return d.batch(`{"kind":"k"}`).code == http.StatusOK })
}
