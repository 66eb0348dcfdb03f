package check

import (
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// TestDashboard decodes it strictly into Grafana's own types: fields, panels' options
// and queries that Grafana does not know, or would not take, are errors.
func TestDashboard(t *testing.T) {
	t.Parallel()
	runtime := cog.NewRuntime()
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	var board dashboard.Dashboard
	err := board.UnmarshalJSONStrict(file(t, "../grafana/dashboards/drayhorse.json"))
	if err != nil && err.Error() != "" { // it gives an empty list of errors, too
		t.Fatal(err)
	}
	if err := board.Validate(); err != nil {
		t.Error(err)
	}
}
