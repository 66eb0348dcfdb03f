// Package check has no code, only tests: of the Kubernetes manifests, built as
// kubectl apply -k builds them and decoded strictly into the types of the API, of the
// compose file, read by the reference implementation of its specification, and of the
// dashboard, decoded strictly into Grafana's types.
package check
