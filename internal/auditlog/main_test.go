package auditlog_test

import (
	"testing"

	"chelal/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
