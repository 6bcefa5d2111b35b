// Package journal declares what a node records: rows, mutations of them, and the Store that makes mutations durable.
// All of it is data. A store decides nothing about it beyond the laws that its mutations name; the callback machine and
// the broker's loop do.
//
// Rows that the nodes of a fleet may share (shared.go) are apart from those that are a node's own (own.go). SQLite is
// the store of a node: package sqlite.
package journal
