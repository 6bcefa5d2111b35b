// Package journal declares what a node records: rows, mutations of them, and the Store that makes mutations durable. It
// has only data. A store decides nothing beyond the laws that the mutations state; the callback machine and the
// broker's loop decide the rest.
//
// Rows that the nodes of a fleet may share (shared.go) are separate from those of one node (own.go). Package sqlite is
// the store of a node.
package journal
