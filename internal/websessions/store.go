// Package websessions keeps what the dashboard's logins need in Redis, shared by all that serve
// it: sessions, and how many logins failed.
//
// A session is found by the SHA-256 of its token, which itself is kept nowhere. It ends when it
// has not been used for a time, when it is too old however much it is used, when its user logs
// out, and when what the file of users says of its user has changed; then it cannot be used,
// and is taken away by the next who tries. Numbers are bounded, of a user and of all: the
// oldest end.
//
// The keys have a hash tag of their own, {@web}, so that an ACL user of the dashboard's can
// have them for itself.
package websessions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse/internal/redis"
)

//go:embed scripts
var files embed.FS

// The keys: sessions, a hash id -> begun_ms|seen_ms|stamp|user; ends, a zset id by the ms when
// it ends; owners, a hash user -> ids, the oldest first; tries, a hash of failed logins
// "u"user or "a"address -> count|wait_until_ms, and "k"user,address of those that are known;
// tried, a zset of these by the ms when they were last.
var library = redis.NewLibrary(files, "sessions", "ends", "owners", "tries", "tried")

var (
	beginScript   = library.Load("begin")
	touchScript   = library.Load("touch")
	finishScript  = library.Load("finish")
	attemptScript = library.Load("attempt")
	forgiveScript = library.Load("forgive")
)

// Limits of sessions.
const (
	Idle      = 30 * time.Minute
	Absolute  = 12 * time.Hour
	renewEach = time.Minute // it is written down that one is in use, and not more often
	mostEach  = 20          // of a user
	most      = 10_000
)

// Limits of logins that fail.
const (
	freeOfUser    = 5
	freeOfAddress = 10
	firstWait     = time.Second
	waitOfUser    = 30 * time.Second // short: strangers could make it longer for somebody
	waitOfAddress = 15 * time.Minute
	keepTries     = 24 * time.Hour
	mostTries     = 10_000
)

// Store is the only owner of its keys. It keeps nothing itself.
type Store struct {
	client *redis.Client
	keys   []string
	now    func() time.Time // nil: Redis's clock
}

// New makes a store. It does not connect. now is for tests; nil is Redis's clock.
func New(client *redis.Client, namespace string, now func() time.Time) *Store {
	s := &Store{client: client, now: now}
	for _, name := range library.Columns() {
		s.keys = append(s.keys, namespace+":{@web}:"+name) // no queue can have a name with @
	}
	return s
}

func (s *Store) run(ctx context.Context, script *redis.Script, args ...any) (any, error) {
	now := ""
	if s.now != nil {
		now = strconv.FormatInt(s.now().UnixMilli(), 10)
	}
	if script != finishScript {
		args = append(args, now)
	}
	value, err := s.client.Run(ctx, redis.Call{Script: script, Keys: script.KeysOf(s.keys), Args: args})
	return value, redis.Wrap(script.Name+" web session", err)
}

// ID is what Redis has of a token.
func ID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Begin begins a session and gives its token, of 256 random bits. The error is
// drayhorse.ErrUnavailable.
func (s *Store) Begin(ctx context.Context, user, stamp string) (token string, err error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	token = base64.RawURLEncoding.EncodeToString(secret[:])
	_, err = s.run(ctx, beginScript, ID(token), user, stamp, Idle.Milliseconds(), Absolute.Milliseconds(), mostEach, most)
	return token, err
}

// Find gives whose session a token is, and with which stamp it began; "" where it is none.
// inUse: somebody uses it now, so that it goes on. The error is drayhorse.ErrUnavailable.
func (s *Store) Find(ctx context.Context, token string, inUse bool) (user, stamp string, err error) {
	renew := renewEach.Milliseconds()
	if !inUse {
		renew = -1
	}
	reply, err := s.run(ctx, touchScript, ID(token), Idle.Milliseconds(), Absolute.Milliseconds(), renew)
	if found := redis.AsStrings(reply); err == nil && len(found) == 2 {
		return found[0], found[1], nil
	}
	return "", "", err
}

// End ends a session, if it is one. The error is drayhorse.ErrUnavailable.
func (s *Store) End(ctx context.Context, token string) error {
	_, err := s.run(ctx, finishScript, ID(token), "")
	return err
}

// EndAll ends all sessions of a user. The error is drayhorse.ErrUnavailable.
func (s *Store) EndAll(ctx context.Context, user string) error {
	_, err := s.run(ctx, finishScript, "", user)
	return err
}

// Attempt says how long to wait before a password of a user may be tried from an address, which
// is counted as failed if that is not at all; see Forgive. What was typed as a user may be
// anything. The error is drayhorse.ErrUnavailable.
func (s *Store) Attempt(ctx context.Context, user, address string) (wait time.Duration, err error) {
	reply, err := s.run(ctx, attemptScript, short(user), short(address), freeOfUser, freeOfAddress, firstWait.Milliseconds(),
		waitOfUser.Milliseconds(), waitOfAddress.Milliseconds(), keepTries.Milliseconds(), mostTries)
	return time.Duration(redis.AsInt(reply)) * time.Millisecond, err
}

// Forgive notes that the password was right. The error is drayhorse.ErrUnavailable.
func (s *Store) Forgive(ctx context.Context, user, address string) error {
	_, err := s.run(ctx, forgiveScript, short(user), short(address))
	return err
}

// short hashes what stands in keys of unknown length, and may be a password in the wrong field.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}
