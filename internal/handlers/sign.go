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
	headerSignature = "Drayhorse-Signature"
	headerPrefix    = "Drayhorse-"
)

// describe sets the headers that tell a receiver which job this is.
func describe(h http.Header, job *drayhorse.Job[json.RawMessage]) {
	h.Set(headerID, job.ID)
	h.Set(headerKind, job.Kind)
	h.Set(headerQueue, job.Queue)
	h.Set(headerAttempt, strconv.Itoa(job.Attempt))
}

// sign gives "t=SECONDS,v1=HEX": the time and the HMAC-SHA256 of time, job ID,
// kind, queue, attempt and body, joined by newlines. None of those but the
// body, which comes last, can contain a newline.
func sign(key Secret, now time.Time, job *drayhorse.Job[json.RawMessage]) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	_, _ = fmt.Fprintf(mac, "%d\n%s\n%s\n%s\n%d\n", now.Unix(), job.ID, job.Kind, job.Queue, job.Attempt)
	_, _ = mac.Write(job.Args)
	return fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(mac.Sum(nil)))
}
