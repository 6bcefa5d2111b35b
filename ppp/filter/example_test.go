package filter_test

import (
	"fmt"

	"github.com/ringback/ringback/ppp/filter"
)

func Example() {
	set, err := filter.NewSet([]filter.Config{{
		Name: "mail",
		In:   []string{"allow tcp 192.0.2.25:25", "allow udp any:53"},
		Idle: []string{"ignore udp any:123"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := set.Select(filter.Grant{FilterIDs: []string{"mail"}}, nil) // as AAA granted
	if err != nil {
		fmt.Println(err)
		return
	}
	query := []byte{
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 8, 0, 10, 192, 0, 2, 53, // IPv4 from 10.8.0.10 to 192.0.2.53
		0x9c, 0x40, 0, 53, 0, 8, 0, 0, // UDP from port 40000 to 53
	}
	fmt.Printf("%+v\n", f.In(query))
	fmt.Println(f.Config().In)
	// Output:
	// {Pass:true Invalid:false Rule:2}
	// [allow tcp 192.0.2.25:25 allow udp :53]
}
