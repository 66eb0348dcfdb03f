// Package redistest starts real redis-server processes for tests: one server, a
// Cluster, a Sentinel group, and a proxy that breaks the network between a test
// and any of them. Each listens on 127.0.0.1 only, keeps its files in a
// directory of its own under the system's temporary directory, and ends with
// its test.
//
// Most tests want the server that a whole test binary shares, and a prefix of
// keys that is theirs alone:
//
//	func TestMain(m *testing.M) { redistest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		url, namespace := redistest.Shared(t), redistest.Namespace(t)
//		...
//	}
//
// A test that kills, pauses or configures a server starts its own with [Start].
// The package needs redis-server 7.0 or later in PATH and stops a test with
// [testing.TB.Fatal] where it is missing.
package redistest
