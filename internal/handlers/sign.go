package handlers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse"
)

// Headers that every request carries.
const (
	headerID        = "Drayhorse-Job-Id"
	headerKind      = "Drayhorse-Kind"
	headerQueue     = "Drayhorse-Queue"
	headerAttempt   = "Drayhorse-Attempt"
	headerTick      = "Drayhorse-Tick" // of periodic jobs alone
	headerSignature = "Drayhorse-Signature"
	headerPrefix    = "Drayhorse-"
)

// describe sets the headers that tell a receiver which job this is.
func describe(h http.Header, job *drayhorse.Job[json.RawMessage]) {
	h.Set(headerID, job.ID)
	h.Set(headerKind, job.Kind)
	h.Set(headerQueue, job.Queue)
	h.Set(headerAttempt, strconv.Itoa(job.Attempt))
	if tick := tickOf(job); tick != "" {
		h.Set(headerTick, tick)
	}
}

// tickOf is the nominal time of a periodic job; "" for any other.
func tickOf(job *drayhorse.Job[json.RawMessage]) string {
	if job.Tick.IsZero() {
		return ""
	}
	return job.Tick.UTC().Format(time.RFC3339)
}

// sign gives "t=SECONDS,v1=HEX", with one v1 for each key: the time and the
// HMAC-SHA256 of time, job ID, kind, queue, attempt, tick and body, joined by newlines.
// None of those but the body, which comes last, can contain a newline; the tick is
// empty where there is none.
func sign(keys []Secret, now time.Time, job *drayhorse.Job[json.RawMessage]) string {
	text := fmt.Sprintf("t=%d", now.Unix())
	for _, key := range keys {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		_, _ = fmt.Fprintf(mac, "%d\n%s\n%s\n%s\n%d\n%s\n", now.Unix(), job.ID, job.Kind, job.Queue, job.Attempt, tickOf(job))
		_, _ = mac.Write(job.Args)
		text += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	return text
}
