// Package spool keeps accounting records in the journal until a server has acknowledged them, and sends them. Each
// accounting list has its own lane, so that silent servers delay only their own records. Records of one callback, or of
// one session without a callback, are sent in order. Records that a full disk refuses are kept in memory and written as
// soon as the disk accepts them.
package spool
