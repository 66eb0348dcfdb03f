// Package httpapi is the HTTP door: it lets programs in any language put jobs in,
// look at them and cancel them. What a request says becomes a call of a
// producer.Producer, one for all requests, so that clients who come at the same
// time share a round trip to Redis.
//
// A request passes, in this order: its route, its bearer token ([Tokens]), the
// limit of concurrent requests, its size and form (package jobjson), the token's
// scope and rate, the depth of its queue. Whatever refuses it answers with a
// [Problem], and nothing of it is stored. A batch is a stream of lines, each of
// which passes the same on its own.
//
// What clients may rely on is written in openapi.yaml, which is served, and held
// to the handlers by the tests of this package: all their requests go through a
// validator.
package httpapi
