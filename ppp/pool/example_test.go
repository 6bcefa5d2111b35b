package pool_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/ringback/ringback/ppp/pool"
)

func Example() {
	pools, err := pool.Parse([]pool.Config{
		{Name: "dialin", Addresses: []string{"10.8.0.10-10.8.0.250"}, Prefixes: []string{"2001:db8:8::/56"},
			Backup: "spare", Holdback: 10 * time.Minute},
		{Name: "spare", Addresses: []string{"10.9.0.0/24"}},
	}, netip.MustParseAddr("10.8.0.1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := pool.New(pools, func() time.Time { return day }) // time.Now in a program
	lease, err := a.Assign("dialin", pool.Holder{User: "austin-01", TTY: 65})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release()
	fmt.Println(lease.Addr())
	_, err = a.Claim(lease.Prefix(), pool.Holder{User: "kihei-03", TTY: 66})
	fmt.Println(err)
	// Output:
	// 10.8.0.10
	// address 10.8.0.10 is in use by "austin-01" on tty 65 since 2026-01-02T03:04:05Z
}
