package trace

import (
	"encoding/binary"
	"time"
)

// The numbers of a capture file (libpcap's savefile format, pcap-savefile(5)).
const (
	pcapMagic   = 0xa1b2c3d4 // with microseconds
	pcapMajor   = 2
	pcapMinor   = 4
	pcapSnapLen = 65535
	// pcapPPPWithDir is LINKTYPE_PPP_WITH_DIR: before the frame stands an octet, 0 for received and 1 for sent.
	pcapPPPWithDir = 204
)

// Header returns the header of a capture file. The records of AppendRecord follow it.
func Header() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, pcapMagic)
	b = le.AppendUint16(b, pcapMajor)
	b = le.AppendUint16(b, pcapMinor)
	b = le.AppendUint32(b, 0) // time zone: UTC
	b = le.AppendUint32(b, 0) // accuracy of times: not stated
	b = le.AppendUint32(b, pcapSnapLen)
	return le.AppendUint32(b, pcapPPPWithDir)
}

// AppendRecord appends a frame to dst as a capture file has it, with address, control and the whole protocol number,
// whatever was left out on the line.
func AppendRecord(dst []byte, at time.Time, out bool, protocol uint16, info []byte) []byte {
	le := binary.LittleEndian
	var direction byte
	if out {
		direction = 1
	}
	frame := []byte{direction, 0xff, 0x03, byte(protocol >> 8), byte(protocol)}
	n := uint32(len(frame) + len(info))
	dst = le.AppendUint32(dst, uint32(at.Unix()))
	dst = le.AppendUint32(dst, uint32(at.Nanosecond()/1000))
	dst = le.AppendUint32(dst, n)
	dst = le.AppendUint32(dst, n)
	return append(append(dst, frame...), info...)
}
