package outbox

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse"
)

// counter takes statements and counts what they carry.
type counter struct {
	rows  []int // by statement
	bytes []int
}

func (c *counter) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	c.rows = append(c.rows, strings.Count(query, "(?"))
	size := 0
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			size += len(arg)
		case []byte:
			size += len(arg)
		}
	}
	c.bytes = append(c.bytes, size)
	return nil, nil
}

func TestOneBadSpecRefusesAll(t *testing.T) {
	t.Parallel()
	good := drayhorse.Spec{Args: welcome{1}}
	for name, bad := range map[string]drayhorse.Spec{
		"arguments are nil":       {},
		"MaxAttempts(0)":          {Args: welcome{}, Options: []drayhorse.Option{drayhorse.MaxAttempts(0)}},
		"queue name":              {Args: welcome{}, Options: []drayhorse.Option{drayhorse.Queue("a b")}},
		"Unique is not for":       {Args: welcome{}, Options: []drayhorse.Option{drayhorse.Unique(drayhorse.UniqueBy{})}},
		"ReplaceEnded is not for": {Args: welcome{}, Options: []drayhorse.Option{drayhorse.ID("a"), drayhorse.ReplaceEnded()}},
		"not JSON":                {Args: drayhorse.Raw("k", []byte("{"))},
		"at most 1048576":         {Args: drayhorse.Raw("k", []byte(`"`+strings.Repeat("x", 1<<20)+`"`))},
	} {
		tx := &counter{}
		err := testBox(t).Enqueue(t.Context(), tx, good, good, bad)
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.HasPrefix(err.Error(), "spec 2: ") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if len(tx.rows) > 0 {
			t.Errorf("%s: %d statements were made", name, len(tx.rows))
		}
	}
}

func TestTransactionsThatAreNone(t *testing.T) {
	t.Parallel()
	for want, tx := range map[string]Tx{
		"tx is nil": nil, "tx is a nil *sql.Tx": (*sql.Tx)(nil), "tx is a *sql.DB": &sql.DB{},
	} {
		err := testBox(t).Enqueue(t.Context(), tx, drayhorse.Spec{Args: welcome{}})
		if !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestInsertsHaveLimits(t *testing.T) {
	t.Parallel()
	specs := make([]drayhorse.Spec, 250)
	for i := range specs {
		specs[i] = drayhorse.Spec{Args: welcome{int64(i)}}
	}
	tx := &counter{}
	if err := testBox(t).Enqueue(t.Context(), tx, specs...); err != nil || len(tx.rows) != 3 || tx.rows[0] != 100 || tx.rows[2] != 50 {
		t.Errorf("250 specs: inserts of %v rows, %v", tx.rows, err)
	}
	large := drayhorse.Spec{Args: drayhorse.Raw("k", []byte(`"`+strings.Repeat("x", 600<<10)+`"`))}
	tx = &counter{}
	if err := testBox(t).Enqueue(t.Context(), tx, large, large, large); err != nil || len(tx.rows) != 3 || tx.bytes[0] > maxInsertBytes {
		t.Errorf("three large specs: inserts of %v bytes, %v", tx.bytes, err)
	}
	if err := testBox(t).Enqueue(t.Context(), tx, make([]drayhorse.Spec, MaxSpecs+1)...); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("too many: %v", err)
	}
	if err := testBox(t).Enqueue(t.Context(), tx); err != nil {
		t.Errorf("none: %v", err)
	}
}

func TestConfigNamesWhatIsImpossible(t *testing.T) {
	t.Parallel()
	db := &sql.DB{}
	for want, cfg := range map[string]Config{
		"DB is nil":                {Dialect: Postgres},
		"Dialect 0":                {DB: db},
		`Table "a;b"`:              {DB: db, Dialect: Postgres, Table: "a;b"},
		`Table "a.b.c"`:            {DB: db, Dialect: Postgres, Table: "a.b.c"},
		"MaxArgs -1":               {DB: db, Dialect: Postgres, MaxArgs: -1},
		"Poll -1s":                 {DB: db, Dialect: Postgres, Poll: -1e9},
		"Lease 1h0m0s":             {DB: db, Dialect: Postgres, Lease: 3600e9},
		"only Postgres has NOTIFY": {DB: db, Dialect: MySQL, Notify: true},
	} {
		if _, err := New(cfg); !errors.Is(err, drayhorse.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if box, err := New(Config{DB: db, Dialect: Postgres, Table: "app.jobs_outbox"}); err != nil {
		t.Error(err)
	} else if err := box.Relay(t.Context(), nil); !errors.Is(err, drayhorse.ErrInvalid) {
		t.Errorf("without a producer: %v", err)
	}
}

func TestMigrationsLeadFromEachVersion(t *testing.T) {
	t.Parallel()
	for _, d := range []Dialect{Postgres, MySQL, SQLite} {
		if n := len((names{dialect: d}).migrations()); n != Version {
			t.Errorf("%v has %d migrations, and the version is %d", d, n, Version)
		}
		all, err := Schema(d, "")
		if err != nil || !strings.Contains(all, "CREATE TABLE IF NOT EXISTS drayhorse_outbox_meta") || strings.ContainsAny(all, "{}?") {
			t.Errorf("%v: %v\n%s", d, err, all)
		}
		if last, err := Migration(d, "", Version); err != nil || strings.Contains(last, "CREATE") {
			t.Errorf("%v: %v\n%s", d, err, last)
		}
		if _, err := Migration(d, "", Version+1); !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%v: from a version that there is not: %v", d, err)
		}
	}
}
