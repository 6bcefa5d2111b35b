// Package spool keeps accounting records in the journal until a server has acknowledged them, and has them sent: each
// accounting list by a lane of its own, so that servers that are silent hold up their own records only. Records of one
// callback, or of one session without one, are sent in their order. What a full disk refuses is kept in memory and
// written as soon as the disk takes it.
package spool
