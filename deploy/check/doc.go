// Package check has no code, only tests: of the Kubernetes manifests, built as
// kubectl apply -k builds them and decoded strictly into the types of the API, of the
// compose file, read by the reference implementation of its specification, of the dashboard,
// decoded strictly into Grafana's types, and of the Dockerfile, whose build stage is run.
package check
