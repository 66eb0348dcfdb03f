package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drayhorse/drayhorse"
)

// excerpt is how many bytes of an answer that refuses a job go into its error.
const excerpt = 1 << 10

// keep completes the job with the answer as its result. A 2xx says that the work
// is done, and an answer that cannot be kept does not undo it; one that was
// cut short has not arrived, and the job is run again.
func (h *hook) keep(ctx context.Context, resp *http.Response, job *drayhorse.Job[json.RawMessage]) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(h.MaxResponseBytes)+1))
	var result any = json.RawMessage(body)
	switch {
	case err != nil:
		return h.failure(ctx, fmt.Errorf("read answer: %w", err))
	case len(body) == 0:
		return nil
	case len(body) > h.MaxResponseBytes:
		err = fmt.Errorf("answer is over %d bytes (max_response_bytes)", h.MaxResponseBytes)
	case !utf8.Valid(body):
		err = errors.New("answer is neither JSON nor UTF-8 text")
	case !json.Valid(body):
		result = string(body)
	}
	if err == nil {
		err = job.SetResult(result)
	}
	if err != nil {
		h.log.WarnContext(ctx, "result not kept", "job_id", job.ID, "kind", job.Kind, "queue", job.Queue, "error", err)
	}
	return nil
}

// refusal turns a status other than 2xx into what happens to the job.
func (h *hook) refusal(resp *http.Response) error {
	err := fmt.Errorf("%s: %s", h.name, describeAnswer(resp))
	switch code := resp.StatusCode; code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if d, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
			return drayhorse.RetryAfter(min(d, h.MaxRetryAfter), err)
		}
		return err
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return err
	default:
		if code/100 == 4 {
			return drayhorse.Discard(err)
		}
		return err
	}
}

func describeAnswer(resp *http.Response) string {
	text := strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	if resp.StatusCode/100 == 1 { // 101: what follows is another protocol, which no timeout of net/http ends
		return text + ": want an answer, not another protocol"
	}
	if resp.StatusCode/100 == 3 {
		return text + ": redirect not followed"
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, excerpt)) // what came is enough
	if said := strings.TrimSpace(printable(body)); said != "" {
		return text + ": " + said
	}
	return text
}

// retryAfter reads the header: seconds, or a date. One that says nothing, or not
// to wait at all, leaves the backoff to the queue.
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second, seconds > 0
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return at.Sub(now), at.After(now)
}
