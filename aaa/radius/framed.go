package radius

import (
	"fmt"
	"strconv"

	"github.com/ringback/ringback/aaa/pairs"
)

func (r *reading) framedProtocol(v value) error {
	if v.n != 1 {
		return fmt.Errorf("%d (%s) is not supported (only PPP is)", v.n, pairs.Printable(framedProtocols[v.n]))
	}
	r.Framed().Protocol = "PPP"
	return nil
}

func (r *reading) framedAddress(v value) error { return r.SetAddress(v.s) }

func (r *reading) framedNetmask(v value) error {
	return r.Fill(&r.Framed().Netmask, "framed.netmask", v.s)
}

func (r *reading) framedMTU(v value) error {
	if v.n < 64 || v.n > 65535 {
		return fmt.Errorf("%d is not an MTU (64 to 65535)", v.n)
	}
	if err := r.Same("framed.mtu", strconv.FormatUint(uint64(v.n), 10)); err != nil {
		return err
	}
	r.Framed().MTU = int(v.n)
	return nil
}

func (r *reading) framedCompression(v value) error {
	name := framedCompressions[v.n]
	if name == "" {
		return r.Left("an unknown compression, ignored")
	}
	r.Framed().Compression = name
	return nil
}

func (r *reading) framedRoute(v value) error { r.AddRoute(v.s); return nil }
func (r *reading) framedPool(v value) error  { return r.SetPool(v.s) }

// numberedPool names a pool by its number.
func (r *reading) numberedPool(v value) error {
	if v.n == 0 {
		return r.Left("any pool")
	}
	return r.SetPool(strconv.FormatUint(uint64(v.n), 10))
}

func (r *reading) framedIPv6Pool(v value) error { return r.SetIPv6Pool(v.s) }

func (r *reading) framedInterface(v value) error {
	return r.Fill(&r.Framed().InterfaceID, "framed.interface_id", v.s)
}

func (r *reading) framedPrefix(v value) error      { r.AddIPv6Prefix(v.s); return nil }
func (r *reading) framedIPv6Address(v value) error { r.AddIPv6Prefix(v.s + "/128"); return nil }

func (r *reading) dns(v value) error        { r.AddDNS(v.s); return nil }
func (r *reading) wins(v value) error       { r.AddWINS(v.s); return nil }
func (r *reading) inACL(v value) error      { r.AddInACL(v.s); return nil }
func (r *reading) outACL(v value) error     { r.AddOutACL(v.s); return nil }
func (r *reading) sendSecret(v value) error { return r.SetSendSecret(v.s) }

// delay keeps the longest delay; the value is in seconds.
func (r *reading) delay(v value) error { return r.SetDelay(seconds(v)) }
