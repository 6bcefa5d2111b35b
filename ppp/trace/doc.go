// Package trace shows the frames of a PPP link to people and programs, without secrets: as lines of text in the terms
// of IOS's `debug ppp` (Lines, Packet), and as a capture file (Header, AppendRecord).
//
// Mask overwrites in a frame what proves an identity. All that this package returns is made from masked frames, except
// AppendRecord's, which takes what it is given. It is pure: no clock, no input or output.
package trace
