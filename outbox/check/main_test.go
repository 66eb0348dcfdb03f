package check

import (
	"os"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) {
	if os.Getenv(relayEnv) != "" {
		relayForever()
		return
	}
	redistest.AtExit(onePostgres.stop)
	redistest.AtExit(oneMariaDB.stop)
	redistest.Main(m)
}
