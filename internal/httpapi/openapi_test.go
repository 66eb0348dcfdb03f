package httpapi

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestTheDocumentHasAllRoutes(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			got = append(got, method+" "+path)
		}
	}
	want := []string{routeEnqueue, routeBatch, routeGet, routeLogs, routeStream, routeSteps, routeSignal, routeFlowSubmit, routeFlowAdd, routeFlowResult, routeFlow, routeFlowCancel, routeFlowSignal, routeSeries, routeEvents, routeCancel, routeDelete, routeOpenAPI}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the document has %q; want %q", got, want)
	}
}

func TestProblemsAreExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []kind{
		badRequest, unauthorized, forbidden, notFound, methodNotAllowed, tooSlow, tooLarge, unsupportedType, signalled, signalLate,
		invalid, rateLimited, queueFull, internal, busy, redisUnavailable,
	} {
		if !strings.Contains(string(page), "\n### "+k.name+"\n") {
			t.Errorf("docs/http.md has no heading ### %s", k.name)
		}
	}
}
