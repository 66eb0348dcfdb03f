package cli_test

import (
	"testing"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }
