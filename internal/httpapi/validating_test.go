package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// document is the OpenAPI document, as a validator reads it.
var document = sync.OnceValues(func() (routers.Router, error) {
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", decodeLines)
	openapi3filter.RegisterBodyDecoder("text/event-stream", decodeText)
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(loader.Context); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

func decodeText(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	text, err := io.ReadAll(body)
	return string(text), err
}

// decodeLines reads a stream of JSON objects as the array that it is in the document.
func decodeLines(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	lines := []any{}
	for d := json.NewDecoder(body); ; {
		var line any
		if err := d.Decode(&line); err == io.EOF {
			return lines, nil
		} else if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
}

// validating holds all that goes through it to the OpenAPI document: each answer,
// and each request that is not refused. Of a batch that is each of its lines.
type validating struct {
	t    *testing.T
	next http.RoundTripper
}

func (v validating) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent bytes.Buffer
	if r.Body != nil {
		if _, err := sent.ReadFrom(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(sent.Bytes()))
	}
	resp, err := v.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	v.check(r, sent.Bytes(), resp, got)
	return resp, nil
}

func (v validating) check(r *http.Request, sent []byte, resp *http.Response, got []byte) {
	router, err := document()
	if err != nil {
		v.t.Errorf("openapi.yaml: %v", err)
		return
	}
	r = r.Clone(r.Context())
	route, params, err := router.FindRoute(r)
	if err != nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			v.t.Errorf("%s %s is answered with %d and not in the document: %v", r.Method, r.URL, resp.StatusCode, err)
		}
		return
	}
	request := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
	refused := resp.StatusCode >= 400 || bytes.Contains(got, []byte(`"problem":`))
	r.Body = io.NopCloser(bytes.NewReader(sent))
	if err := openapi3filter.ValidateRequest(r.Context(), request); err != nil && !refused {
		v.t.Errorf("%s %s %s was answered with %d: %v", r.Method, r.URL, clip(sent), resp.StatusCode, err)
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: resp.StatusCode, Header: resp.Header, Options: request.Options,
	}
	if r.Method != http.MethodHead {
		response.SetBodyBytes(got)
	}
	if err := openapi3filter.ValidateResponse(r.Context(), response); err != nil {
		v.t.Errorf("the answer to %s %s, %d %s: %v", r.Method, r.URL, resp.StatusCode, clip(got), err)
	}
}

func clip(text []byte) string { return strings.ToValidUTF8(string(text[:min(len(text), 500)]), "?") }
